"""Image files: round trips of every format, and rejection of every kind of damage."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from srcnn.errors import DamagedImageError, ImageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from srcnn.images.formats import EXTENSIONS, detect_format
from srcnn.images.picture import Picture
from tests.support.counting_file import CountingFile
from tests.support.images import to_file

# Pillow warns about damaged metadata, which these tests use on purpose.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::UserWarning:PIL.{name}")
    for name in ("TiffImagePlugin", "PngImagePlugin", "MpoImagePlugin", "Image")
]

ORIENTATION = 0x0112
HEIGHT, WIDTH = 33, 47


def noise(shape: tuple[int, ...], depth: type = np.uint8) -> np.ndarray:
    """Pixels that are smooth in part, so that codecs can compress them, and not symmetric."""
    rng = np.random.default_rng(7)
    top = np.iinfo(depth).max
    ramp = np.linspace(0, top, shape[1])[None, :] * np.linspace(1, 0.3, shape[0])[:, None]
    channels = shape[2] if len(shape) == 3 else 1
    planes = [np.clip(ramp + rng.normal(0, top / 12, shape[:2]), 0, top) for _ in range(channels)]
    return np.squeeze(np.dstack(planes).astype(depth), axis=2 if channels == 1 else ())


def pillow(array: np.ndarray, form: str, **options: Any) -> bytes:
    """Write a file by Pillow, as another program; the array is RGB(A) or grey."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, form, **options)
    return file.getvalue()


def opencv(array: np.ndarray, extension: str, *settings: int) -> bytes:
    done, content = cv2.imencode(extension, array, list(settings))
    assert done
    return bytes(content.tobytes())


def interlaced_png(grey: np.ndarray) -> bytes:
    """Adam7, which neither library can write: PNG specification, section 8.2."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
    passes += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = [
        b"\x00" + row.tobytes()
        for top, left, down, right in passes
        for row in grey[top::down, left::right]
        if row.size
    ]

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 1)
    body = zlib.compress(b"".join(rows))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@cache  # it says when it was made, to the second
def icc(space: bytes = b"RGB ") -> bytes:
    profile: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:16] + space + profile[20:]


def xmp(orientation: int) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'tiff:Orientation="{orientation}" dc:format="kept"/></rdf:RDF></x:xmpmeta>'
    ).encode()


RGB, GREY = noise((HEIGHT, WIDTH, 3)), noise((HEIGHT, WIDTH))
RGBA = noise((HEIGHT, WIDTH, 4))
DEEP, DEEP_GREY = noise((HEIGHT, WIDTH, 3), np.uint16), noise((HEIGHT, WIDTH), np.uint16)
DEEP_ALPHA = noise((HEIGHT, WIDTH, 4), np.uint16)

FILES: dict[str, Callable[[], bytes]] = {
    "baseline.jpg": lambda: pillow(RGB, "JPEG", quality=90),
    "progressive.jpg": lambda: pillow(RGB, "JPEG", quality=90, progressive=True),
    "grey.jpg": lambda: pillow(GREY, "JPEG"),
    "restarts.jpg": lambda: opencv(RGB, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "restart each.jpg": lambda: opencv(RGB, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "thumbnail.jpg": lambda: pillow(RGB, "JPEG", comment=pillow(GREY[:8, :8], "JPEG")),
    "rgb.png": lambda: pillow(RGB, "PNG"),
    "rgba.png": lambda: pillow(RGBA, "PNG"),
    "interlaced.png": lambda: interlaced_png(GREY),
    "deep.png": lambda: opencv(DEEP, ".png"),
    "palette.png": lambda: palette("PNG"),
    "lossy.webp": lambda: pillow(RGB, "WEBP", quality=80),
    "lossless.webp": lambda: pillow(RGB, "WEBP", lossless=True),
    "alpha.webp": lambda: pillow(RGBA, "WEBP", quality=80),
    "raw.tif": lambda: pillow(RGB, "TIFF"),
    "strips.tif": lambda: opencv(RGB, ".tiff", cv2.IMWRITE_TIFF_ROWSPERSTRIP, 5),
    "lzw.tif": lambda: pillow(RGB, "TIFF", compression="tiff_lzw"),
    "deflate.tif": lambda: pillow(RGB, "TIFF", compression="tiff_adobe_deflate"),
    "packbits.tif": lambda: pillow(RGB, "TIFF", compression="packbits"),
    "tiles.tif": lambda: tiled_tiff(RGB),
    "deep.tif": lambda: opencv(DEEP, ".tiff"),
    "colour.bmp": lambda: pillow(RGB, "BMP"),
    "palette.bmp": lambda: palette("BMP"),
    "colour.ppm": lambda: pillow(RGB, "PPM"),
    "grey.pgm": lambda: pillow(GREY, "PPM"),
    "deep.ppm": lambda: opencv(DEEP, ".ppm"),
}


def palette(form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RGB).quantize(16).save(file, form)
    return file.getvalue()


def tiled_tiff(rgb: np.ndarray, side: int = 32) -> bytes:
    """Uncompressed tiles, which neither library can write: TIFF 6.0, section 15."""
    rows, columns = -(-rgb.shape[0] // side), -(-rgb.shape[1] // side)
    padded = np.zeros((rows * side, columns * side, 3), dtype=np.uint8)
    padded[: rgb.shape[0], : rgb.shape[1]] = rgb
    blocks = padded.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(rows * columns, -1)
    count, bytes_each = len(blocks), blocks.shape[1]
    first = 8 + 2 + 11 * 12 + 4
    bits_at, offsets_at, lengths_at = first, first + 6, first + 6 + 4 * count
    pixels_at = lengths_at + 4 * count
    entries = [
        (256, 4, 1, rgb.shape[1]),
        (257, 4, 1, rgb.shape[0]),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (277, 3, 1, 3),
        (284, 3, 1, 1),
        (322, 4, 1, side),
        (323, 4, 1, side),
        (324, 4, count, offsets_at),
        (325, 4, count, lengths_at),
    ]
    offsets = [pixels_at + index * bytes_each for index in range(count)]
    return b"".join(
        [
            b"II*\x00" + struct.pack("<IH", 8, len(entries)),
            *(struct.pack("<HHII", *entry) for entry in entries),
            struct.pack("<I3H", 0, 8, 8, 8),
            struct.pack(f"<{count}I", *offsets),
            struct.pack(f"<{count}I", *[bytes_each] * count),
            blocks.tobytes(),
        ]
    )


@cache
def whole(name: str) -> tuple[bytes, np.ndarray]:
    data = FILES[name]()
    return data, decode(data).pixels


names = st.sampled_from(sorted(FILES))
DAMAGED = r"^the file is (truncated|damaged)|^not a readable image: "
MAGIC = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\xff\0\0\0WEBPVP8 ",
    b"II*\0",
    b"MM\0*",
]
MAGIC += [b"BM", b"P5 ", b"P6 9 9 255 ", b"GIF89a"]


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_programs_are_read(name: str) -> None:
    data, pixels = whole(name)
    assert read_header(io.BytesIO(data)).size == Size(HEIGHT, WIDTH)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGBA" if pixels.shape[2:] == (4,) else "RGB"))
    shown = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    shown = shown // 257 if shown.dtype == np.uint16 else shown
    order = [2, 1, 0, 3][: shown.shape[2]]
    assert np.abs(shown[:, :, order].astype(int) - expected).max() <= 2


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,), (4,)], ids=["grey", "bgr", "bgra"])
@pytest.mark.parametrize(
    "extension",
    [
        e
        for kind, all_ in EXTENSIONS.items()
        if kind not in ("gif", "avif", "heic", "jxl")
        for e in all_
    ],
)
def test_written_files_are_read_back(
    extension: str, channels: tuple[int, ...], depth: type
) -> None:
    pixels = noise((HEIGHT, WIDTH, *channels), depth)
    kind = detect_format(f"a{extension}")
    if channels == (4,) and kind not in ("png", "webp", "tiff"):
        with pytest.raises(UnsupportedImageError, match="alpha"):
            to_file(Picture(pixels), extension, None, keep_metadata=True)
        return
    data = to_file(Picture(pixels), extension, None, keep_metadata=True)
    back = decode(data).pixels
    if depth is np.uint16 and kind not in ("png", "tiff", "pnm"):
        pixels = ((pixels.astype(int) * 2 + 257) // 514).astype(np.uint8)
    if kind == "webp" and not channels:  # WebP has no grey
        pixels = np.dstack([pixels] * 3)
    assert (back.shape, back.dtype) == (pixels.shape, pixels.dtype)
    if kind == "jpg":
        assert cv2.PSNR(back, pixels) > 20
        return
    if kind == "webp" and channels == (4,):  # WebP drops the colour of transparent pixels
        seen = pixels[:, :, 3] > 0
        back, pixels = back[seen], pixels[seen]
    assert np.array_equal(back, pixels)


@pytest.mark.parametrize("extension", [".png", ".tif", ".pgm", ".webp", ".bmp", ".jpg"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 3)], ids=str)
def test_tiny_pictures_pass(extension: str, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 200, dtype=np.uint8)
    data = to_file(Picture(pixels), extension, None, keep_metadata=True)
    assert read_header(io.BytesIO(data)).size == shape
    assert np.abs(decode(data).pixels.astype(int) - 200).max() <= 1


def test_extensions_are_not_case_sensitive() -> None:
    data = to_file(Picture(GREY), ".PNG", None, keep_metadata=True)
    assert data.startswith(b"\x89PNG")
    assert [detect_format(key) for key in ("A.PNG", "d/a.b.JPeG", "a.TIF")] == [
        "png",
        "jpg",
        "tiff",
    ]
    assert [detect_format(key) for key in ("png", ".png", "a.png/b", "a.svg", "a.png ", "")] == [
        None
    ] * 6


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".avif", ".jxl"])
def test_a_higher_quality_gives_a_larger_file(extension: str) -> None:
    sizes = [
        len(to_file(Picture(RGB), extension, quality, keep_metadata=True))
        for quality in (1, 30, 60, 90, 100)
    ]
    assert sizes == sorted(set(sizes))


def test_webp_is_lossless_unless_a_quality_is_given() -> None:
    def back(quality: int | None) -> np.ndarray:
        return decode(to_file(Picture(RGB), ".webp", quality, keep_metadata=True)).pixels

    assert np.array_equal(back(None), RGB)
    assert not np.array_equal(back(100), RGB)


# Damage.


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_truncated_file_is_rejected_or_still_complete(name: str, data: st.DataObject) -> None:
    content, pixels = whole(name)
    end = data.draw(st.integers(0, len(content) - 1))
    try:
        back = decode(content[:end]).pixels
    except ImageError:
        return
    assert np.array_equal(back, pixels)


@pytest.mark.parametrize("name", FILES)
def test_missing_last_bytes_are_detected(name: str) -> None:
    content, pixels = whole(name)
    for lost in range(1, 24):
        try:
            back = decode(content[:-lost]).pixels
        except ImageError:
            continue
        assert np.array_equal(back, pixels), lost


@pytest.mark.parametrize("name", FILES)
def test_half_a_file_is_damaged(name: str) -> None:
    content, _ = whole(name)
    with pytest.raises(DamagedImageError, match=DAMAGED):
        decode(content[: len(content) // 2])


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".jpg")])
@pytest.mark.parametrize("kept", [0.4, 0.8, 0.97])
def test_a_jpeg_that_ends_in_zeros_is_damaged(name: str, kept: float) -> None:
    content, _ = whole(name)
    end = int(len(content) * kept)
    with pytest.raises(DamagedImageError, match=r"^the file is truncated"):
        decode(content[:end] + bytes(len(content) - end))


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".jpg")])
@settings(max_examples=40)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_jpeg_truncated_in_its_last_scan_with_an_end_marker_is_damaged(
    name: str, share: float
) -> None:
    content, pixels = whole(name)
    first = content.rindex(b"\xff\xda") + 14
    end = first + int(share * (len(content) - 2 - first))
    try:
        back = decode(content[:end] + b"\xff\xd9").pixels
    except ImageError:
        return
    assert np.array_equal(back, pixels)


def test_a_jpeg_may_have_padding_before_markers() -> None:
    content, pixels = whole("thumbnail.jpg")
    at = content.index(b"\xff\xfe")  # the comment, which contains another JPEG
    filled = content[:at] + b"\xff" * 5 + content[at:]
    assert np.array_equal(decode(filled).pixels, pixels)
    assert np.array_equal(decode(filled[:-2] + b"\xff\xff" + filled[-2:]).pixels, pixels)


@pytest.mark.parametrize("name", FILES)
def test_bytes_after_the_end_are_ignored(name: str) -> None:
    content, pixels = whole(name)
    assert np.array_equal(decode(content + b"\n").pixels, pixels)


@settings(max_examples=400)
@given(
    names, st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1)
)
def test_flipped_bits_never_change_the_size_and_raise_only_our_errors(
    name: str, flips: list[tuple[float, int]]
) -> None:
    content = bytearray(whole(name)[0])
    for where, mask in flips:
        content[int(where * len(content))] ^= mask
    try:
        size = read_header(io.BytesIO(content)).size
        if size.pixels > 1_000_000:
            return
        pixels = decode(bytes(content)).pixels
    except ImageError as error:
        message = str(error)
        assert message
    else:
        assert pixels.shape[:2] == size


@settings(max_examples=300)
@given(names, st.integers(0, 200), st.integers(0, 255))
def test_flipped_bits_in_the_header_raise_only_our_errors(
    name: str, where: int, value: int
) -> None:
    content = bytearray(whole(name)[0])
    content[min(where, len(content) - 1)] = value
    try:
        size = read_header(io.BytesIO(content)).size
        if size.pixels > 1_000_000:
            return
        pixels = decode(bytes(content)).pixels
    except ImageError:
        return
    assert pixels.shape[:2] == size


@settings(max_examples=100)
@given(st.binary(max_size=400), st.sampled_from(MAGIC))
def test_garbage_is_rejected(content: bytes, start: bytes) -> None:
    with pytest.raises(
        ImageError, match=r"not a readable image|truncated|damaged|not supported|save it again"
    ):
        decode(start + content)
    try:
        header = read_header(io.BytesIO(start + content))
    except ImageError:
        return
    assert min(header.size) > 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"this is text\n" * 50,
        b"\x07\xff\xfe\x00\x80",
        bytes(5000),
    ],
    ids=["empty", "one byte", "text", "unknown", "zeros"],
)
def test_files_that_are_not_images_are_rejected(content: bytes) -> None:
    for read in (decode, lambda data: read_header(io.BytesIO(data))):
        with pytest.raises(DamagedImageError, match=r"^not a readable image: it "):
            read(content)


def test_reading_a_header_of_gigapixels_takes_no_memory() -> None:
    content = bytearray(interlaced_png(GREY))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    tracemalloc.start()
    try:
        assert read_header(io.BytesIO(content)).size == Size(60_000, 60_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_reading_a_header_reads_only_the_first_bytes() -> None:
    big = opencv(np.random.default_rng(0).integers(0, 255, (600, 900, 3)).astype(np.uint8), ".png")

    file = CountingFile(big)
    assert read_header(file).size == Size(600, 900)
    assert file.taken < len(big) // 10


# Unsupported kinds, and kinds that must not lose anything.


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(form: str) -> None:
    frames = [Image.fromarray(np.roll(RGB, at * 9, axis=1)) for at in range(3)]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:])
    for read in (decode, lambda data: read_header(io.BytesIO(data))):
        with pytest.raises(UnsupportedImageError, match=r"(3|several) frames or pages"):
            read(file.getvalue())


def test_a_photograph_followed_by_a_preview_is_the_photograph() -> None:
    file = io.BytesIO()
    small = Image.fromarray(RGB[:5, :9].copy())
    Image.fromarray(RGB).save(file, "MPO", save_all=True, append_images=[small], quality=95)
    assert read_header(io.BytesIO(file.getvalue())).size == Size(HEIGHT, WIDTH)
    assert cv2.PSNR(decode(file.getvalue()).pixels[:, :, ::-1].copy(), RGB) > 20


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}], ids=["raw", "lzw"])
def test_a_tiff_has_the_same_colours_and_alpha_as_in_pillow(
    mode: str, options: dict[str, str]
) -> None:
    source = Image.fromarray(RGBA)
    source = source if mode in ("LA", "PA", "RGBA") else source.convert("RGB")
    file = io.BytesIO()
    source.convert(mode).save(file, "TIFF", **options)
    with Image.open(file) as image:
        expected = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    pixels = decode(file.getvalue()).pixels
    pixels = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    assert pixels.shape == expected.shape
    assert np.abs(pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["I", "F"])
def test_a_tiff_with_unsupported_samples_is_rejected(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (9, 7)).save(file, "TIFF")
    with pytest.raises(UnsupportedImageError, match=r"samples have 32 bits .* expected unsigned"):
        decode(file.getvalue())


def test_a_cmyk_jpeg_becomes_rgb_and_loses_its_profile() -> None:
    file = io.BytesIO()
    Image.fromarray(RGB).convert("CMYK").save(file, "JPEG", icc_profile=icc(b"CMYK"), quality=95)
    picture = decode(file.getvalue())
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    for extension in (".jpg", ".png", ".webp"):
        data = to_file(picture, extension, None, keep_metadata=True)
        with Image.open(io.BytesIO(data)) as image:
            assert "icc_profile" not in image.info


# Orientation and metadata.

ORIENTED: dict[str, tuple[str, dict[str, Any]]] = {
    "jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "lzw": ("TIFF", {"compression": "tiff_lzw"}),
}


@pytest.mark.parametrize("kind", ORIENTED)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("source", ["rgb", "grey", "deep"])
def test_every_orientation_is_applied(source: str, orientation: int, kind: str) -> None:
    form, options = ORIENTED[kind]
    if source == "deep" and kind in ("jpg", "webp"):
        pytest.skip("this format has 8 bits")
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    array = {"rgb": RGB, "grey": GREY, "deep": DEEP_GREY}[source]
    data = pillow(array, form, exif=exif, **options)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert read_header(io.BytesIO(data)).size == expected.shape[:2]
    picture = decode(data)
    pixels = picture.pixels
    if expected.ndim == 2 and pixels.ndim == 3:
        pixels = pixels[:, :, 0]
    shown = pixels if expected.ndim == 2 else pixels[:, :, ::-1]
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 2
    for extension in (".jpg", ".png", ".webp", ".tiff", ".bmp"):
        with Image.open(io.BytesIO(to_file(picture, extension, None, keep_metadata=True))) as image:
            assert image.getexif().get(ORIENTATION, 1) == 1
            assert image.size == expected.shape[1::-1]


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_invalid_orientation_is_ignored(value: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    data = pillow(RGB, "JPEG", exif=exif)
    assert decode(data).pixels.shape == RGB.shape
    assert read_header(io.BytesIO(data)).size == RGB.shape[:2]


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_an_orientation_in_xmp_is_reset_and_the_rest_kept(form: str, extension: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for options in ({"xmp": xmp(6)}, {"xmp": xmp(6), "exif": exif}):
        picture = decode(pillow(RGB, form, **options))
        assert picture.pixels.shape == (WIDTH, HEIGHT, 3)
        data = to_file(picture, extension, None, keep_metadata=True)
        with Image.open(io.BytesIO(data)) as image:
            assert ImageOps.exif_transpose(image).size == (HEIGHT, WIDTH)
            image.load()
            text = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
        assert b'dc:format="kept"' in text
        assert b'tiff:Orientation="1"' in text


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tiff", ".avif"])
@pytest.mark.parametrize(
    ("form", "options", "shape"),
    [
        ("TIFF", {"tiffinfo": {ORIENTATION: 6, 700: xmp(6)}}, (WIDTH, HEIGHT)),  # as Photoshop's
        ("TIFF", {"tiffinfo": {ORIENTATION: 1, 700: xmp(6)}}, (HEIGHT, WIDTH)),
        ("AVIF", {"xmp": xmp(6)}, (HEIGHT, WIDTH)),
    ],
)
def test_xmp_does_not_turn_what_the_file_itself_has_turned(
    form: str, options: dict[str, Any], shape: tuple[int, int], extension: str
) -> None:
    picture = decode(pillow(RGB, form, **options))
    assert picture.pixels.shape == (*shape, 3)
    data = to_file(picture, extension, None, keep_metadata=True)
    assert b'tiff:Orientation="1" dc:format="kept"' in data
    assert decode(data).pixels.shape == picture.pixels.shape


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_kept_or_stripped(form: str, extension: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[ORIENTATION] = 3
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8769)[0x927C] = b"maker's own \x00\x01\xff"
    exif.get_ifd(0x8825)[0x0001] = "N"
    picture = decode(pillow(RGB, form, exif=exif, icc_profile=icc()))
    with Image.open(io.BytesIO(to_file(picture, extension, None, keep_metadata=True))) as image:
        kept = image.getexif()
        assert image.info["icc_profile"] == icc()
        assert kept[0x010F] == "Maker"
        assert kept[ORIENTATION] == 1
        assert kept.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert kept.get_ifd(0x8769)[0x927C] == b"maker's own \x00\x01\xff"
        assert kept.get_ifd(0x8825)[0x0001] == "N"
    with Image.open(io.BytesIO(to_file(picture, extension, None, keep_metadata=False))) as image:
        assert not image.getexif()
        assert "icc_profile" not in image.info
        assert "xmp" not in image.info


def test_both_byte_orders_are_supported() -> None:
    for order in ("<", ">"):
        exif = Image.Exif()
        exif.endian = order
        exif[ORIENTATION] = 8
        blob = exif.tobytes()
        assert blob[6:8] == (b"II" if order == "<" else b"MM")
        picture = decode(pillow(RGB, "JPEG", exif=blob))
        assert picture.pixels.shape == (WIDTH, HEIGHT, 3)
        with Image.open(io.BytesIO(to_file(picture, ".jpg", None, keep_metadata=True))) as image:
            assert image.getexif()[ORIENTATION] == 1


@settings(max_examples=60)
@given(st.binary(max_size=60), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_a_damaged_exif_block_does_not_affect_the_picture(rest: bytes, start: bytes) -> None:
    data = pillow(RGB, "JPEG", exif=b"Exif\x00\x00" + start + rest)
    size = read_header(io.BytesIO(data)).size
    picture = decode(data)
    assert picture.pixels.shape[:2] == size
    for extension in (".png", ".jpg", ".webp"):
        again = decode(to_file(picture, extension, None, keep_metadata=True))
        assert again.pixels.shape[:2] == size


def jpeg_segments(data: bytes) -> list[bytes]:
    """Split a JPEG into its segments before the first scan, and the rest."""
    parts, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        parts.append(data[at:end])
        at = end
    return [*parts, data[at:]]


@pytest.mark.parametrize("progressive", [False, True])
def test_complete_jpegs_of_unusual_structure_are_read(progressive: bool) -> None:  # noqa: FBT001
    picture = np.random.default_rng(3).integers(0, 255, (40, 56, 3), dtype=np.uint8)
    settings = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    data = cv2.imencode(".jpg", picture, settings)[1].tobytes()
    expected = decode(data).pixels
    parts = jpeg_segments(data)
    comment = b"\xff\xfe\x00\x08\xff\xd9\xff\xda\xff\xd9"
    for changed in (
        b"".join([*parts[:-1], b"\xff", parts[-1]]),  # a padding byte before the scan
        b"".join([parts[0], parts[1], b"\xff\xff", *parts[2:]]),
        b"".join([parts[0], comment, *parts[1:]]),
        data + b"trailing bytes \xff\xd9 of a maker",
    ):
        assert np.array_equal(decode(changed).pixels, expected)


def test_a_comment_between_scans_is_not_the_end() -> None:
    picture = np.random.default_rng(3).integers(0, 255, (40, 56, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xc4", first)  # the tables of the second scan
    changed = data[:second] + b"\xff\xfe\x00\x06\xff\xd9\xff\xd9" + data[second:]
    assert np.array_equal(decode(changed).pixels, decode(data).pixels)
