"""A missing end behind complete pixels costs nothing; a file that ends earlier is refused."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from srcnn.errors import DamagedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from srcnn.images.decoding.gif_codes import ends_with_its_code
from tests.support.image_files import PHOTO, save, segment
from tests.support.paths import CASES

NOISE = np.random.default_rng(5).integers(0, 40, PHOTO.shape)
NOISY = np.clip(PHOTO + NOISE, 0, 255).astype(np.uint8)
END = b"\xff\xd9"


def jpeg(mode: str = "RGB", quality: int = 90, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(NOISY).convert(mode).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def subsampled(name: str) -> bytes:
    return simplejpeg.encode_jpeg(NOISY, quality=90, colorsubsampling=name)


def of_441() -> bytes:
    """Of 56x32 px: the blocks of a 4:1:1 of 224x8 px, which are stacked instead of in a row."""
    row = np.ascontiguousarray(np.hstack([NOISY[8 * n : 8 * n + 8] for n in range(4)]))
    content = bytearray(simplejpeg.encode_jpeg(row, quality=90, colorsubsampling="411"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 32, 56)
    content[frame + 11] = 0x14
    return bytes(content)


JPEGS = {
    "4:4:4": jpeg(subsampling=0),
    "4:2:2": jpeg(subsampling=1),
    "4:2:0": jpeg(subsampling=2),
    "4:2:0 of low quality": jpeg(quality=20),
    "4:1:1": subsampled("411"),
    "4:4:0": subsampled("440"),
    "4:4:1": of_441(),
    "grey": jpeg("L"),
    "CMYK": jpeg("CMYK"),
    "optimised": jpeg(optimize=True),
    "progressive": jpeg(progressive=True),
    "progressive 4:4:4": jpeg(progressive=True, subsampling=0),
    "progressive grey": jpeg("L", progressive=True),
    "restarts": jpeg(restart_marker_blocks=1),
    "restarts of rows": jpeg(restart_marker_rows=1),
    "grey with restarts": jpeg("L", restart_marker_blocks=3),
    "progressive with restarts": jpeg(progressive=True, restart_marker_rows=1),
}


@pytest.mark.parametrize("rest", [b"", bytes(1), bytes(500)], ids=["end", "zero", "zeros"])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_end_marker_is_complete(name: str, rest: bytes) -> None:
    content = JPEGS[name]
    assert content.endswith(END)
    whole = decode(content)
    for cut in (1, 2):
        ended = content[:-cut] + rest
        assert read_header(io.BytesIO(ended)).size == Size(*whole.pixels.shape[:2])
        picture = decode(ended)
        assert np.array_equal(picture.pixels, whole.pixels)
        assert (picture.is_grey, picture.notes) == (whole.is_grey, whole.notes)


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_lacks_a_byte_of_its_last_blocks_is_damaged(name: str) -> None:
    content = JPEGS[name]
    for cut in range(3, 260):
        for rest in (b"", bytes(3), bytes(cut)):
            with pytest.raises(DamagedImageError):
                decode(content[:-cut] + rest)


@pytest.mark.parametrize("name", ["progressive", "progressive grey"])
def test_a_progressive_jpeg_that_lacks_scans_and_its_end_is_damaged(name: str) -> None:
    """With an end marker it is one of a coarse picture."""
    content = JPEGS[name]
    scans = [at for at in range(len(content)) if content[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 2
    for at in scans[1:]:
        start = content.rindex(b"\xff\xc4", 0, at)  # its table of codes
        with pytest.raises(DamagedImageError, match="a part of the JPEG data is missing"):
            decode(content[:start])
    assert decode(content[: content.rindex(b"\xff\xc4", 0, scans[-1])] + END).pixels.size


def test_a_thumbnail_has_no_end_marker_for_the_picture() -> None:
    thumbnail = segment(0xE5, jpeg())
    content = JPEGS["4:2:0"]
    whole = content[:2] + thumbnail + content[2:]
    assert np.array_equal(decode(whole[:-2]).pixels, decode(content).pixels)
    with pytest.raises(DamagedImageError):
        decode(whole[:-40])


@pytest.mark.parametrize("name", ["4:4:1", "4:1:1"])
def test_rare_subsampling_is_read_as_by_pillow(name: str) -> None:
    with Image.open(io.BytesIO(JPEGS[name])) as image:
        expected = np.asarray(image)
    assert np.array_equal(decode(JPEGS[name]).pixels[:, :, ::-1], expected)


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
@pytest.mark.parametrize("name", ["jpeg_no_eoi.jpg", "jpeg_no_eoi_zeros.jpg"])
def test_reported_jpegs_without_their_end_are_read(name: str) -> None:
    whole = decode((CASES / "jpeg_300_dpi.jpg").read_bytes())
    assert np.array_equal(decode((CASES / name).read_bytes()).pixels, whole.pixels)


GIFS = {
    "palette": save("GIF", "P"),
    "interlaced": save("GIF", "P", interlace=1),
    "transparent": save("GIF", "P", transparency=5),
    "grey": save("GIF", "L"),
    "bits": save("GIF", "1"),
}
COMMENT = b"!\xfe" + (b"\xff" + b"c" * 255) * 400 + b"\0"


def behind_tables(content: bytes) -> int:
    return 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)


@pytest.mark.parametrize("name", GIFS)
def test_a_gif_without_its_end_is_complete(name: str) -> None:
    content = GIFS[name]
    whole = decode(content).pixels
    for cut in (1, 2):
        for rest in (b"", bytes(80)):
            ended = content[:-cut] + rest
            assert read_header(io.BytesIO(ended)).size == Size(40, 56)
            assert np.array_equal(decode(ended).pixels, whole)


@pytest.mark.parametrize("name", GIFS)
def test_a_gif_that_ends_within_its_pixels_is_damaged(name: str) -> None:
    content = GIFS[name]
    whole = decode(content).pixels
    for cut in range(3, 120):
        with pytest.raises(DamagedImageError):
            decode(content[:-cut])
        try:
            found = decode(content[:-cut] + bytes(200)).pixels
        except DamagedImageError:
            continue
        assert np.array_equal(found, whole)


@pytest.mark.parametrize("name", GIFS)
def test_a_gif_with_a_long_comment_is_complete(name: str) -> None:
    content = GIFS[name]
    at = behind_tables(content)
    for changed in (content[:at] + COMMENT + content[at:], content[:-1] + COMMENT + b";"):
        assert read_header(io.BytesIO(changed)).size == Size(40, 56)
        assert np.array_equal(decode(changed).pixels, decode(content).pixels)


@pytest.mark.parametrize("screen", [(20, 10), (56, 10), (0, 0)])
def test_a_gif_may_be_larger_than_its_screen(screen: tuple[int, int]) -> None:
    content = bytearray(GIFS["palette"])
    content[6:10] = struct.pack("<HH", *screen)
    assert read_header(io.BytesIO(content)).size == Size(40, 56)
    assert np.array_equal(decode(bytes(content)).pixels, decode(GIFS["palette"]).pixels)


@pytest.mark.parametrize("name", GIFS)
def test_the_end_code_of_a_gif_is_found_where_its_pixels_end(name: str) -> None:
    content = GIFS[name]
    start = content.index(b",\0\0\0\0", behind_tables(content)) + 10
    start += 3 << (content[start - 1] & 7) + 1 if content[start - 1] & 0x80 else 0
    bits, blocks = content[start], content[start + 1 : -2]
    assert ends_with_its_code(blocks, bits, 40 * 56)
    assert not ends_with_its_code(blocks, bits, 40 * 56 + 1)
    assert not ends_with_its_code(blocks, bits, 40 * 56 - 1)
    assert not ends_with_its_code(blocks[:-2] + bytes(2), bits, 40 * 56)
