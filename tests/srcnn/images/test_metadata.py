"""Metadata: adapted to the result, and never the reason for a failure."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, TiffImagePlugin

from srcnn.geometry import Size
from srcnn.images import exif, xmp
from srcnn.images.decoding import decode
from srcnn.images.icc import to_srgb
from srcnn.images.picture import Picture
from srcnn.images.prepare import prepare
from srcnn.images.tiff_metadata import read_tiff_metadata, with_tags
from tests.support.images import to_file

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::UserWarning:PIL.{name}")
    for name in ("TiffImagePlugin", "Image")
]

EXIF, XMP, ICC = cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP, cv2.IMAGE_METADATA_ICCP
SIZE = Size(777, 70_001)
MAKER = b"maker's own \x00\x01\xff" * 3
THUMBNAIL = b"\xff\xd8 a thumbnail of the whole scene \xff\xd9"
HOLDERS = [".jpg", ".png", ".webp", ".avif", ".tiff"]


def block(order: str = "<", *, thumbnail: bytes = THUMBNAIL) -> bytes:
    """Build EXIF as cameras write it: two directories, one below the first, and a thumbnail.

    The maker's note is behind the thumbnail's directory, as in some cameras' files.
    """
    ifd0, sub, ifd1 = 8, 8 + 2 + 12 * 5 + 4, 8 + 2 + 12 * 5 + 4 + 2 + 12 * 4 + 4
    note = ifd1 + 2 + 12 * 3 + 4
    model = note + len(MAKER)
    picture = model + 16

    def directory(entries: list[tuple[int, int, int, int]], following: int) -> bytes:
        parts = [struct.pack(f"{order}H", len(entries))]
        for tag, kind, count, value in entries:
            short = kind == 3 and count == 1
            packed = struct.pack(
                f"{order}{'HH' if short else 'I'}", *((value, 0) if short else (value,))
            )
            parts.append(struct.pack(f"{order}HHI", tag, kind, count) + packed)
        return b"".join(parts) + struct.pack(f"{order}I", following)

    return b"".join(
        [
            (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, ifd0),
            directory(
                [
                    (0x0100, 3, 1, 4000),
                    (0x0101, 4, 1, 3000),
                    (0x0110, 2, 16, model),
                    (0x0112, 3, 1, 6),
                    (0x8769, 4, 1, sub),
                ],
                ifd1,
            ),
            directory(
                [
                    (0x9101, 7, 4, 0x00030201),
                    (0x927C, 7, len(MAKER), note),
                    (0xA002, 3, 1, 4000),
                    (0xA003, 3, 1, 3000),
                ],
                0,
            ),
            directory(
                [
                    (0x0103, 3, 1, 6),
                    (0x0201, 4, 1, picture),
                    (0x0202, 4, 1, len(thumbnail)),
                ],
                0,
            ),
            MAKER,
            b"Model of camera\0",
            thumbnail,
        ]
    )


def read(data: bytes) -> Image.Exif:
    found = Image.Exif()
    found.load(data)
    return found


@pytest.mark.parametrize("order", ["<", ">"])
def test_sizes_are_set_in_place_and_the_thumbnail_is_removed(order: str) -> None:
    before = block(order)
    after = exif.adapt_to_result(before, SIZE)
    assert len(after) == len(before) - len(THUMBNAIL)
    assert b"thumbnail" not in after
    found = read(after)
    assert (found[0x0100], found[0x0101]) == (SIZE.width, SIZE.height)
    below = found.get_ifd(0x8769)
    assert (below[0xA002], below[0xA003]) == (SIZE.width, SIZE.height)
    assert below[0x927C] == MAKER
    assert after.index(MAKER) == before.index(MAKER)
    assert found[0x0110] == "Model of camera"
    assert found[0x0112] == 6  # changed by another function
    assert not found.get_ifd(1)  # the thumbnail's directory in Pillow's numbering


def test_the_sizes_of_the_directory_of_interoperability_are_set() -> None:
    before = Image.Exif()
    before.get_ifd(0x8769)[0xA005] = {1: "R98", 0x1001: 4000, 0x1002: 3000}
    found = read(exif.adapt_to_result(before.tobytes().removeprefix(b"Exif\0\0"), SIZE))
    found.get_ifd(0x8769)
    sizes = found.get_ifd(0xA005)
    assert (sizes[0x1001], sizes[0x1002]) == (SIZE.width, SIZE.height)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_orientation_is_reset_and_nothing_else_changes(order: str) -> None:
    before = block(order)
    after = exif.reset_orientation(before)
    assert read(after)[0x0112] == 1
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_a_thumbnail_that_overlaps_the_maker_note_does_not_remove_it() -> None:
    for lie in (b"", bytes(70_000)):
        data = bytearray(block())
        at = data.index(struct.pack("<HHI", 0x0201, 4, 1)) + 8
        data[at : at + 4] = struct.pack("<I", 8)  # the first directory
        data[at + 12 : at + 16] = struct.pack("<I", 0xFFFFFFFF)
        found = read(exif.adapt_to_result(bytes(data) + lie, SIZE))
        assert found.get_ifd(0x8769)[0x927C] == MAKER
        assert found[0x0110] == "Model of camera"


@pytest.mark.parametrize("where", ["first", "below", "chain"])
def test_cyclic_directories_end(where: str) -> None:
    data = bytearray(block())
    pointer = {"first": 4, "below": 8 + 2 + 12 * 4 + 8, "chain": 8 + 2 + 12 * 5}[where]
    data[pointer : pointer + 4] = struct.pack("<I", 8)
    after = exif.adapt_to_result(bytes(data), SIZE)
    assert read(after)[0x0100] == SIZE.width


@settings(max_examples=400)
@given(
    st.sampled_from(["<", ">"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_damaged_exif_raises_no_error_and_never_grows(
    order: str, changes: list[tuple[int, int]], end: int
) -> None:
    data = bytearray(block(order))
    for at, value in changes:
        data[at % len(data)] = value
    damaged = bytes(data[: end or None])
    assert len(exif.reset_orientation(damaged)) == len(damaged)
    assert len(exif.adapt_to_result(damaged, SIZE)) <= len(damaged)


@settings(max_examples=100)
@given(st.sampled_from([b"II*\0", b"MM\0*", b""]), st.binary(max_size=300))
def test_garbage_raises_no_error_and_never_grows(start: bytes, rest: bytes) -> None:
    garbage = start + rest
    assert len(exif.adapt_to_result(garbage, SIZE)) <= len(garbage)
    assert len(exif.reset_orientation(garbage)) == len(garbage)
    assert xmp.adapt_to_result(garbage, SIZE) == garbage


@pytest.mark.parametrize("garbage", [b"", b"xyz" * 9, b"II*\0" + b"abc" * 30, b"MM\0*" + bytes(40)])
def test_garbage_without_a_directory_stays_as_it_is(garbage: bytes) -> None:
    assert exif.adapt_to_result(garbage, SIZE) == garbage
    assert exif.reset_orientation(garbage) == garbage


def test_a_directory_with_a_false_count_is_skipped_at_once() -> None:
    """65,535 directories of 65,535 entries each would take hours."""
    pointers = struct.pack("<HHII", 0x8769, 4, 1, 10) * 60_000
    lying = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 60_000) + pointers
    assert exif.adapt_to_result(lying, SIZE) == lying
    full = b"".join(struct.pack("<HHII", 0x8769, 4, 1, 8 + 2 * at) for at in range(1000))
    many = b"II*\0" + struct.pack("<IH", 8, 1000) + full
    assert exif.adapt_to_result(many, SIZE)


PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>
<rdf:Description tiff:Orientation="6" tiff:ImageWidth='4000' exif:PixelYDimension = "3000"
 crs:ImageWidth="5" dc:title="tiff:ImageWidth">
<tiff:ImageLength>3000</tiff:ImageLength><exif:PixelXDimension> 4000</exif:PixelXDimension>
<xmp:Thumbnails><rdf:Alt>/9j/4AAQSk</rdf:Alt></xmp:Thumbnails><dc:format>kept</dc:format>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_both_forms_of_a_packet_are_set() -> None:
    after = xmp.adapt_to_result(PACKET.encode(), SIZE).decode()
    expected = (
        PACKET.replace("'4000'", "'70001'").replace("> 4000<", "> 70001<").replace("3000", "777")
    )
    start, end = expected.index("<xmp:Thumb"), expected.index("<dc:format>")
    assert after == expected[:start] + expected[end:]
    assert 'Orientation="1"' in xmp.reset_orientation(PACKET.encode()).decode()


# Files.


def photograph(form: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    rng = np.random.default_rng(5)
    picture = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    picture.save(file, form, **options)
    return file.getvalue()


@cache  # it says when it was made, to the second
def srgb() -> bytes:
    profile: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile


@pytest.mark.parametrize("extension", HOLDERS)
def test_the_metadata_of_each_format_fits_the_result(extension: str) -> None:
    data = photograph(exif=b"Exif\0\0" + block(), icc_profile=srgb(), xmp=PACKET.encode())
    picture = decode(data)
    assert picture.pixels.shape == (12, 9, 3)  # upright
    larger = Picture(np.repeat(np.repeat(picture.pixels, 2, 0), 2, 1), picture.metadata)
    with Image.open(io.BytesIO(to_file(larger, extension, None, keep_metadata=True))) as image:
        image.load()
        found = image.getexif()
        below = found.get_ifd(0x8769)
        assert image.size == (below[0xA002], below[0xA003]) == (18, 24)
        assert below[0x927C] == MAKER
        assert found[0x0110] == "Model of camera"
        assert found.get(0x0112, 1) == 1
        assert not found.get_ifd(1)
        assert image.info["icc_profile"] == srgb()
        packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
        assert b"tiff:ImageWidth='18'" in packet
        assert b"Thumbnails" not in packet
        assert b'tiff:Orientation="1"' in packet


@pytest.mark.parametrize("extension", [*HOLDERS, ".bmp", ".ppm"])
def test_stripped_files_have_no_metadata(extension: str) -> None:
    picture = decode(
        photograph(exif=b"Exif\0\0" + block(), icc_profile=srgb(), xmp=PACKET.encode())
    )
    data = to_file(picture, extension, None, keep_metadata=False)
    assert b"Model of camera" not in data
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert not image.getexif().get_ifd(0x8769)
        assert not {"exif", "xmp", "XML:com.adobe.xmp", "icc_profile"} & set(image.info)


@pytest.mark.parametrize("extension", HOLDERS)
def test_the_metadata_of_a_tiff_is_kept_in_other_formats(extension: str) -> None:
    given = TiffImagePlugin.ImageFileDirectory_v2()
    given[0x010F] = "Maker"
    given[0x013B] = "Artist"
    given[0x0112] = 6
    given[0x8769] = {0x9003: "2024:05:06 07:08:09"}
    given[0x8825] = {1: "N"}
    picture = decode(photograph("TIFF", tiffinfo=given, icc_profile=srgb()))
    assert picture.pixels.shape == (12, 9, 3)
    with Image.open(io.BytesIO(to_file(picture, extension, None, keep_metadata=True))) as image:
        found = image.getexif()
        assert (found[0x010F], found[0x013B]) == ("Maker", "Artist")
        assert found.get(0x0112, 1) == 1
        assert found.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert found.get_ifd(0x8825)[1] == "N"
        assert image.info["icc_profile"] == srgb()
        assert image.size == (9, 12)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 399), st.integers(0, 255)), min_size=1, max_size=5),
    st.sampled_from(HOLDERS),
)
def test_damaged_metadata_does_not_fail_an_image(
    changes: list[tuple[int, int]], extension: str
) -> None:
    damaged = bytearray(block())
    for at, value in changes:
        damaged[at % len(damaged)] = value
    pixels = np.full((6, 5, 3), 99, dtype=np.uint8)
    picture = Picture(pixels, {EXIF: bytes(damaged), XMP: bytes(damaged), ICC: bytes(damaged)})
    data = to_file(picture, extension, None, keep_metadata=True)
    assert sorted(decode(data).pixels.shape) == [3, 5, 6]  # the orientation may be damaged too


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1))
def test_damaged_tags_of_a_tiff_raise_no_error(changes: list[tuple[float, int]]) -> None:
    pixels = np.full((6, 5, 3), 99, dtype=np.uint8)
    whole = cv2.imencode(".tiff", pixels)[1].tobytes()
    content = bytearray(with_tags(whole, {EXIF: block(), XMP: PACKET.encode()}, alpha=False))
    for at, value in changes:
        content[8 + int(at * (len(content) - 8))] = value
    try:
        image = Image.open(io.BytesIO(content))
    except Exception:  # noqa: BLE001 - not an image any more, which the decoder reports
        return
    with image:
        assert all(isinstance(blob, bytes) for blob in read_tiff_metadata(image).values())


@pytest.mark.parametrize("extension", HOLDERS)
def test_an_invalid_block_is_left_out_without_a_warning(
    extension: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pixels = np.full((6, 5, 3), 99, dtype=np.uint8)
    picture = Picture(pixels, {EXIF: b"II\0\0" + block()[4:]})
    data = to_file(picture, extension, None, keep_metadata=True)
    assert b"Model of camera" not in data
    assert capfd.readouterr().err == ""


# Colours.


def matrix_profile(primaries: dict[bytes, Any], gamma: float) -> bytes:
    """ICC.1:2001, sections 6.3 and 8.3: three colorants (D50) and one curve."""

    def xyz(values: Any) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65_536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Test\0" + bytes(12 + 67)
    tags = {
        b"desc": text.ljust(len(text) + -len(text) % 4, b"\0"),
        b"wtpt": xyz((0.9642, 1, 0.8249)),
    }
    tags |= {name: xyz(values) for name, values in primaries.items()}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    at = 128 + 4 + 12 * len(tags)
    table, bodies = [struct.pack(">I", len(tags))], []
    for name, body in tags.items():
        table.append(name + struct.pack(">II", at, len(body)))
        bodies.append(body)
        at += len(body)
    header = struct.pack(">I", at) + b"\0\0\0\0\x02\x40\0\0mntrRGB XYZ " + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63_190, 65_536, 54_061)
    return header.ljust(128, b"\0") + b"".join([*table, *bodies])


ADOBE_COLORANTS = np.array(
    [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
)
SRGB_COLORANTS = np.array(
    [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]]
)
ADOBE_RGB = matrix_profile(
    dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), ADOBE_COLORANTS, strict=True)), 2.2
)


def test_colours_are_converted_to_srgb_when_their_profile_is_stripped() -> None:
    pixels = np.array([[[60, 120, 180, 7], [128, 128, 128, 255]]], dtype=np.uint8)
    picture = Picture(pixels, {ICC: ADOBE_RGB})
    prepared = prepare(picture, Size(2, 4), ".png", keep_metadata=False)
    assert prepared.metadata == {}
    # In linear light: the colorants of both spaces, adapted to D50; the curve of IEC 61966-2-1.
    light = np.linalg.solve(
        SRGB_COLORANTS.T, ADOBE_COLORANTS.T @ (np.array([180, 120, 60]) / 255) ** 2.2
    )
    expected = (1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(prepared.pixels[0, 0, 2::-1] - expected).max() <= 1.5
    assert prepared.pixels[0, 0, 3] == 7
    assert np.abs(prepared.pixels[0, 1].astype(int) - (128, 128, 128, 255)).max() <= 1
    kept = prepare(picture, Size(2, 4), ".png", keep_metadata=True)
    assert kept.metadata == {ICC: ADOBE_RGB}
    assert np.array_equal(kept.pixels, pixels)
    # BMP has no profile.
    assert np.array_equal(
        prepare(
            Picture(pixels[:, :, :3], {ICC: ADOBE_RGB}), Size(2, 4), ".bmp", keep_metadata=True
        ).pixels,
        prepared.pixels[:, :, :3],
    )


def test_sixteen_bits_keep_a_profile_that_is_not_srgb() -> None:
    pixels = np.full((2, 3, 3), 30_000, dtype=np.uint16)
    for profile, left in ((ADOBE_RGB, {ICC: ADOBE_RGB}), (srgb(), {})):
        picture = Picture(pixels, {ICC: profile, EXIF: block()})
        prepared = prepare(picture, Size(2, 3), ".png", keep_metadata=False)
        assert prepared.metadata == left
        assert np.array_equal(prepared.pixels, pixels)


def test_srgb_and_invalid_profiles_change_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    damaged = ADOBE_RGB[:40] + bytes(100)
    for profile in (srgb(), b"", b"no profile at all", damaged):
        assert to_srgb(pixels, profile) is pixels


def linear_grey() -> bytes:
    """A profile of linear greys: 55/255 is 0.5019 in sRGB's curve, which is 128."""
    body = b"curv\0\0\0\0" + struct.pack(">IH", 1, 256) + b"\0\0"
    tags = 128 + 4 + 24
    header = (
        struct.pack(">I", tags + 36) + b"\0\0\0\0\x02\x40\0\0mntrGRAYXYZ " + bytes(12) + b"acsp"
    )
    white = struct.pack(">3i", 63_190, 65_536, 54_061)
    header = (header.ljust(68, b"\0") + white).ljust(128, b"\0")
    table = struct.pack(">I", 2) + b"kTRC" + struct.pack(">II", tags, 16)
    table += b"wtpt" + struct.pack(">II", tags + 16, 20)
    return header + table + body + b"XYZ \0\0\0\0" + white


def test_greys_of_another_curve_are_converted_to_srgb() -> None:
    converted = to_srgb(np.array([[0, 55, 255]], dtype=np.uint8), linear_grey())
    assert converted is not None
    assert np.abs(converted.astype(int) - [[0, 128, 255]]).max() <= 1


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("channels", "extension"),
    [(1, ".webp"), (4, ".png"), (4, ".webp"), (4, ".avif"), (4, ".tiff"), (4, ".bmp")],
)
def test_greys_that_are_written_as_colours_become_srgb(
    channels: int, extension: str, *, keep: bool
) -> None:
    pixels = np.full((8, 8, 4), 55, np.uint8)
    pixels[:, :, 3] = 255
    picture = Picture(
        pixels if channels == 4 else pixels[:, :, 0].copy(),
        {cv2.IMAGE_METADATA_ICCP: linear_grey()},
        is_grey=True,
    )
    found = decode(to_file(picture, extension, None, keep_metadata=keep))
    assert cv2.IMAGE_METADATA_ICCP not in found.metadata
    assert np.abs(found.pixels.reshape(8, 8, -1)[:, :, :3].astype(int) - 128).max() <= 1


def test_16_bit_greys_that_lose_their_profile_are_noted() -> None:
    pixels = np.full((8, 8, 4), 14_000, np.uint16)
    picture = Picture(pixels, {cv2.IMAGE_METADATA_ICCP: linear_grey()}, is_grey=True)
    prepared = prepare(picture, Size(8, 8), ".png", keep_metadata=True)
    assert prepared.notes == ("a profile of greys was dropped: 16 bits are not converted",)
    grey = Picture(pixels[:, :, 0].copy(), picture.metadata, is_grey=True)
    kept = prepare(grey, Size(8, 8), ".png", keep_metadata=True)
    assert np.array_equal(kept.pixels, grey.pixels)
    assert kept.metadata == grey.metadata
