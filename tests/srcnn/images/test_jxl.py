"""JPEG XL: depths, orientation, colours, metadata and damage; compared with libjxl's programs."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from srcnn.errors import DamagedImageError, ImageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from srcnn.images.decoding.jxl_header import JxlHeader, parse
from srcnn.images.jxl_encoding import add_metadata, encode_jxl
from srcnn.images.metadata import read_orientation
from srcnn.images.picture import Picture, Traits
from tests.support.images import to_file

pytest.importorskip("OpenImageIO")

HEIGHT, WIDTH = 96, 144
Y, X = np.mgrid[:HEIGHT, :WIDTH]
BGR = np.dstack([X * 255 // (WIDTH - 1), Y * 255 // (HEIGHT - 1), X // 2 + Y // 2]).astype(np.uint8)
BGRA = np.dstack([BGR, 2 * Y + 1]).astype(np.uint8)
DEEP = BGRA.astype(np.uint16) * 257 + 3
EXIF, XMP, ICC = (
    int(kind) for kind in (cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP, cv2.IMAGE_METADATA_ICCP)
)
CJXL, DJXL, EXIFTOOL = (shutil.which(name) or "" for name in ("cjxl", "djxl", "exiftool"))
ORIENTATION, MAKE = 0x0112, 0x010F
NEAR = 6  # levels of 255 that a distance of 1 may lose
PICTURES: dict[str, Any] = {
    "colours": BGR,
    "grey": BGR[:, :, 0].copy(),
    "with alpha": BGRA,
    "16 bits": DEEP[:, :, :3].copy(),
    "16 bits, grey": DEEP[:, :, 0].copy(),
    "16 bits with alpha": DEEP,
}
needs_cjxl = pytest.mark.skipif(not (CJXL and DJXL), reason="needs libjxl's cjxl and djxl")


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[ORIENTATION], block[MAKE] = orientation, "maker"
    return block.tobytes().removeprefix(b"Exif\0\0")


def lossless(pixels: Any, metadata: dict[int, bytes] | None = None) -> bytes:
    return encode_jxl(pixels, 100, metadata or {}, None)


def run_cjxl(folder: Path, name: str, content: bytes, *options: str) -> bytes:
    source, target = folder / name, folder / "made.jxl"
    source.write_bytes(content)
    subprocess.run([CJXL, source, target, *options], check=True, capture_output=True)
    return target.read_bytes()


def run_djxl(folder: Path, content: bytes) -> Any:
    source, target = folder / "shown.jxl", folder / "shown.png"
    source.write_bytes(content)
    subprocess.run([DJXL, source, target], check=True, capture_output=True)
    return cv2.imread(str(target), cv2.IMREAD_UNCHANGED)


PHOTO = lossless(BGR, {EXIF: exif(1)})


@pytest.mark.parametrize("name", PICTURES)
def test_a_lossless_file_is_read_as_it_was_written(name: str) -> None:
    pixels = PICTURES[name]
    data = to_file(Picture(pixels), ".jxl", 100, keep_metadata=True)
    header, picture = read_header(io.BytesIO(data)), decode(data)
    assert (header.size, header.quality) == (Size(HEIGHT, WIDTH), 100)
    samples = 4 if "alpha" in name else 3
    assert header.pixel_bytes == samples * pixels.itemsize
    assert picture.pixels.dtype == pixels.dtype
    assert np.array_equal(picture.pixels, pixels)
    assert picture.is_grey == (pixels.ndim == 2)
    assert (picture.notes, picture.metadata) == ((), {})


@needs_cjxl
@pytest.mark.parametrize("name", PICTURES)
def test_djxl_sees_what_was_written(name: str, tmp_path: Path) -> None:
    data = lossless(PICTURES[name], {EXIF: exif(1), XMP: b"<x:xmpmeta/>"})
    assert np.array_equal(run_djxl(tmp_path, data), PICTURES[name])


@pytest.mark.parametrize("name", PICTURES)
def test_a_better_quality_is_nearer_and_larger(name: str) -> None:
    pixels = PICTURES[name]
    files = [to_file(Picture(pixels), ".jxl", quality, keep_metadata=True) for quality in (60, 90)]
    errors = [np.abs(decode(data).pixels.astype(int) - pixels).mean() for data in files]
    assert errors[1] < errors[0] < NEAR * np.iinfo(pixels.dtype).max / 255
    assert len(files[0]) < len(files[1])
    assert to_file(Picture(pixels), ".jxl", None, keep_metadata=True) == files[1]  # the default


def test_grey_with_alpha_stays_grey() -> None:
    pixels = np.dstack([BGR[:, :, :1]] * 3 + [BGRA[:, :, 3:]])
    data = to_file(Picture(pixels, is_grey=True), ".jxl", 100, keep_metadata=True)
    assert np.array_equal(decode(data).pixels, pixels)


@needs_cjxl
@pytest.mark.parametrize("distance", ["0", "1"])
# cjxl 0.7 writes an alpha of 16 bits that its own djxl refuses.
@pytest.mark.parametrize("name", [name for name in PICTURES if name != "16 bits with alpha"])
def test_files_of_cjxl_are_read(name: str, distance: str, tmp_path: Path) -> None:
    pixels = PICTURES[name]
    png = cv2.imencode(".png", pixels)[1].tobytes()
    data = run_cjxl(tmp_path, "a.png", png, "-d", distance)
    picture, expected = decode(data), run_djxl(tmp_path, data)
    level = np.iinfo(pixels.dtype).max / 255
    assert picture.pixels.dtype == expected.dtype == pixels.dtype
    assert np.abs(picture.pixels.astype(int) - expected).max() <= (distance == "1") * level


@needs_cjxl
def test_grey_with_alpha_is_read_as_grey(tmp_path: Path) -> None:
    png = io.BytesIO()
    Image.fromarray(BGRA[:, :, [0, 3]], "LA").save(png, "PNG")
    picture = decode(run_cjxl(tmp_path, "a.png", png.getvalue(), "-d", "0"))
    assert picture.is_grey
    assert np.array_equal(picture.pixels, BGRA[:, :, [0, 0, 0, 3]])


@needs_cjxl
def test_colours_that_were_multiplied_by_alpha_are_divided_by_it(tmp_path: Path) -> None:
    png = cv2.imencode(".png", BGRA)[1].tobytes()
    data = run_cjxl(tmp_path, "a.png", png, "-d", "0", "--premultiply=1")
    pixels = decode(data).pixels
    assert np.array_equal(pixels[:, :, 3], BGRA[:, :, 3])
    visible = BGRA[:, :, 3] > 64
    assert np.abs(pixels.astype(int) - BGRA)[visible].max() <= 2


@needs_cjxl
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once(orientation: int, tmp_path: Path) -> None:
    """cjxl moves the one of a JPEG's EXIF to the coded picture, and leaves it in EXIF."""
    jpeg = io.BytesIO()
    image = Image.fromarray(BGR[:, :, ::-1])
    image.save(jpeg, "JPEG", quality=95, subsampling=0, exif=exif(orientation))
    data = run_cjxl(tmp_path, "a.jpg", jpeg.getvalue(), "--lossless_jpeg=0", "-d", "0.5")
    picture = decode(data)
    with Image.open(jpeg) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened)).astype(int)[:, :, ::-1]
    assert read_header(io.BytesIO(data)).size == expected.shape[:2]
    assert np.abs(picture.pixels - expected).mean() < NEAR
    with Image.open(io.BytesIO(to_file(picture, ".jpg", None, keep_metadata=True))) as image:
        assert read_orientation(image) == 1


@needs_cjxl
def test_a_jpeg_inside_is_read(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", BGR, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    pixels = decode(run_cjxl(tmp_path, "a.jpg", jpeg, "--lossless_jpeg=1")).pixels
    expected = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(pixels.astype(int) - expected).mean() < 2


def test_metadata_come_back() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    given_ = {EXIF: exif(1), XMP: b"<x:xmpmeta/>", ICC: profile}
    picture = decode(to_file(Picture(BGR, given_), ".jxl", 100, keep_metadata=True))
    assert picture.metadata == given_
    assert np.array_equal(picture.pixels, BGR)


@pytest.mark.skipif(not EXIFTOOL, reason="needs exiftool")
def test_exiftool_reads_metadata(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-'
    xmp += b'rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" '
    xmp += b'dc:source="of the picture"/></rdf:RDF></x:xmpmeta>'
    file = tmp_path / "a.jxl"
    file.write_bytes(lossless(BGR, {EXIF: exif(1), XMP: xmp}))
    command = [EXIFTOOL, "-s3", "-Make", "-Source", "-ImageSize", file]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split("\n")[:3] == ["maker", "of the picture", f"{WIDTH}x{HEIGHT}"]


def test_compressed_metadata_are_read() -> None:
    bare = lossless(BGR)
    packed = b"xml " + brotli.compress(b"<x:xmpmeta/>")
    box = (8 + len(packed)).to_bytes(4) + b"brob" + packed
    assert decode(add_metadata(bare, {EXIF: exif(1)}) + box).metadata[XMP] == b"<x:xmpmeta/>"


def test_compressed_metadata_that_never_end_are_left_out() -> None:
    packed = b"xml " + brotli.compress(bytes(40 * 2**20))
    box = (8 + len(packed)).to_bytes(4) + b"brob" + packed
    assert XMP not in decode(PHOTO + box).metadata


@pytest.mark.parametrize("metadata", [{EXIF: exif(6)}, {XMP: b'<x tiff:Orientation="6"/>'}])
def test_an_orientation_that_metadata_alone_say_does_not_count(metadata: dict[int, bytes]) -> None:
    picture = decode(lossless(BGR, metadata))
    assert picture.pixels.shape[:2] == (HEIGHT, WIDTH)
    with Image.open(io.BytesIO(to_file(picture, ".jpg", None, keep_metadata=True))) as image:
        assert read_orientation(image) == 1


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_kept_by_its_numbers(transfer: int, name: str) -> None:
    picture = Picture(DEEP[:, :, :3].copy(), traits=Traits(hdr=(9, transfer)))
    back = decode(to_file(picture, ".jxl", 100, keep_metadata=True))
    assert back.traits.hdr == (9, transfer), name
    assert np.array_equal(back.pixels, picture.pixels)
    png = to_file(back, ".png", None, keep_metadata=True)
    assert png[png.index(b"cICP") + 4 :][:4] == bytes([9, transfer, 0, 1])


@needs_cjxl
def test_display_p3_by_numbers_becomes_a_profile(tmp_path: Path) -> None:
    png = cv2.imencode(".png", BGR)[1].tobytes()
    data = run_cjxl(tmp_path, "a.png", png, "-d", "0", "-x", "color_space=RGB_D65_DCI_Rel_SRG")
    profile = decode(data).metadata[ICC]
    assert ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "RGB"


def animate(folder: Path) -> bytes:
    gif = io.BytesIO()
    frames = [Image.fromarray(BGR + level) for level in (0, 9, 20)]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:])
    return run_cjxl(folder, "a.gif", gif.getvalue(), "-d", "0")


def save_floats(folder: Path) -> bytes:
    samples = BGR.astype("<f4") / 255
    pfm = b"PF\n%d %d\n-1.0\n" % (WIDTH, HEIGHT) + samples.tobytes()
    return run_cjxl(folder, "a.pfm", pfm, "-d", "0")


@needs_cjxl
@pytest.mark.parametrize(
    ("make", "reason"),
    [(animate, "it has several frames"), (save_floats, "floating-point samples is not supported")],
)
def test_other_kinds_are_refused(
    make: Callable[[Path], bytes], reason: str, tmp_path: Path
) -> None:
    data = make(tmp_path)
    for read in (lambda: read_header(io.BytesIO(data)), lambda: decode(data)):
        with pytest.raises(UnsupportedImageError, match=reason):
            read()


class Writer:
    """Writes numbers of bits, the lowest bit of a byte first."""

    def __init__(self) -> None:
        self.number, self.length = 0, 0

    def add(self, value: int, count: int) -> None:
        self.number |= value << self.length
        self.length += count

    def finish(self) -> bytes:
        return b"\xff\x0a" + self.number.to_bytes((self.length + 7) // 8, "little")


@given(
    st.integers(1, 32),
    st.integers(1, 7),
    st.integers(1, 8),
    st.sampled_from([(0, 8), (1, 10), (2, 12)]),
)
def test_the_header_is_parsed_as_the_standard_says(
    eighths: int, ratio: int, orientation: int, depth: tuple[int, int]
) -> None:
    bits = Writer()
    bits.add(1, 1)  # in eighths
    bits.add(eighths - 1, 5)
    bits.add(ratio, 3)
    bits.add(0, 1)  # not all default
    bits.add(1, 1)  # more fields
    bits.add(orientation - 1, 3)
    bits.add(0, 3)  # no intrinsic size, no preview, no animation
    bits.add(0, 1)  # whole numbers
    bits.add(depth[0], 2)
    bits.add(0, 1)
    bits.add(1, 2)  # one further channel
    bits.add(0, 1)  # not the default
    bits.add(1, 2)  # depth
    bits.add(0, 1 + 2 + 2 + 2)
    across, down = [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)][ratio - 1]
    size = Size(8 * eighths, 8 * eighths * across // down)
    upright = Size(size.width, size.height) if orientation >= 5 else size
    expected = JxlHeader(upright, bits=depth[1], further=(1,), orientation=orientation)
    assert parse(bits.finish() + bytes(8)) == expected


# Grey, and a channel of no kind; by imagecodecs, as cjxl and OpenImageIO write none.
GREY_AND_ANOTHER = bytes.fromhex(
    "ff0a2840303a00c58d0810100040014b2834161e858f828292626464c4d2181d63f0e218ccaeb6d0"
    "ceb13406731c6330c531c6a80b1c00a8019046400154559faa2ab8de53557daaaa4f55b548f6a9aa"
    "d6555abdd65a955dd636bc4a000e03"
)


def test_a_further_channel_is_left_out_and_noted() -> None:
    picture = decode(GREY_AND_ANOTHER)
    rows, columns = np.mgrid[:6, :9]
    assert np.array_equal(picture.pixels, 20 * columns + rows)
    assert picture.notes == ("a channel was left out: of another kind",)


@pytest.mark.parametrize("kinds", [(0, 1), (1, 0), (1, 1)])
def test_several_further_channels_are_refused(kinds: tuple[int, int]) -> None:
    """OpenImageIO would read them as others, or not at all."""
    bits = Writer()
    bits.add(1, 1 + 5 + 3)  # in eighths: 8
    bits.number |= 1 << 6  # as wide as high
    for value, count in ((0, 2), (0, 1), (0, 2), (0, 1), (2, 2), (0, 4)):  # 8 bits, two channels
        bits.add(value, count)
    for kind in kinds:
        bits.add(0, 1)
        bits.add(kind, 2)
        bits.add(0, 1 + 2 + 2 + 2 + (kind == 0))
    with pytest.raises(UnsupportedImageError, match=r"besides its colours \(depth\)"):
        read_header(io.BytesIO(bits.finish() + bytes(60)))


@needs_cjxl
@pytest.mark.parametrize("bits", [1, 4, 10, 12])
def test_other_depths_have_their_levels_and_white_at_the_top(bits: int, tmp_path: Path) -> None:
    png = cv2.imencode(".png", BGR.astype(np.uint16) * 257)[1].tobytes()
    data = run_cjxl(tmp_path, "a.png", png, "-d", "0", f"--override_bitdepth={bits}")
    pixels, depth = decode(data).pixels, np.uint8 if bits <= 8 else np.uint16
    assert pixels.dtype == depth
    assert pixels.max() == np.iinfo(depth).max
    steps = pixels.astype(float) / np.iinfo(depth).max * (2**bits - 1)
    assert np.abs(steps - np.rint(steps)).max() < 0.04  # 16 bits have 16 levels for one of 12


def test_grey_of_hdr_is_written_in_colours() -> None:
    picture = Picture(DEEP[:, :, 0].copy(), is_grey=True, traits=Traits(hdr=(9, 16)))
    back = decode(to_file(picture, ".jxl", 100, keep_metadata=True))
    assert back.traits.hdr == (9, 16)
    assert np.array_equal(back.pixels, np.dstack([picture.pixels] * 3))


def test_without_the_packages_the_messages_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    needs = (
        "needs OpenImageIO, which is not installed: "
        "pip install -e '.[formats]' -c constraints.txt in a checkout, "
        "or pip install OpenImageIO==3.2.2.0 elsewhere"
    )
    with pytest.raises(UnsupportedImageError) as read:
        read_header(io.BytesIO(PHOTO))
    with pytest.raises(UnsupportedImageError) as written:
        to_file(Picture(BGR), ".jxl", None, keep_metadata=True)
    assert str(read.value) == f"it is a JPEG XL image, which {needs}"
    assert str(written.value) == f"a JPEG XL output {needs}"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PHOTO) - 1))
def test_a_truncated_file_is_refused(end: int) -> None:
    with pytest.raises(ImageError):
        decode(PHOTO[:end])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PHOTO) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_gives_a_picture_of_the_size_in_the_header(
    at: int, byte: int
) -> None:
    changed = PHOTO[:at] + bytes([byte]) + PHOTO[at + 1 :]
    try:
        size = read_header(io.BytesIO(changed)).size
        assert decode(changed).pixels.shape[:2] == size
    except ImageError:
        pass


def test_a_damaged_picture_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DamagedImageError):
        decode(PHOTO[:-40])
    assert capfd.readouterr() == ("", "")
