"""Metadata up to what a JPEG can hold is kept, and what it cannot hold is dropped with a note."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from srcnn.images.icc import cut_to_size, is_readable
from srcnn.images.picture import Picture
from srcnn.images.prepare import prepare
from tests.support.image_files import PHOTO, save
from tests.support.images import to_file
from tests.support.paths import CASES

EXIF, ICC, XMP = (
    int(kind) for kind in (cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_ICCP, cv2.IMAGE_METADATA_XMP)
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
HOLDERS = [".png", ".jpg", ".webp", ".tiff", ".avif"]


def profile(size: int, *, version: int = 2) -> bytes:
    """Of sRGB, with a tag of private content up to a size."""
    tags = [
        (name, SRGB[start : start + length])
        for name, start, length in struct.iter_unpack(">4sII", SRGB[132 : 132 + 12 * SRGB[131]])
    ]
    head = 132 + 12 * (len(tags) + 1)
    used = head + sum(len(body) + -len(body) % 4 for _, body in tags)
    rest = np.random.default_rng(size).integers(0, 256, size - used).astype(np.uint8).tobytes()
    table, bodies = b"", b""
    for name, body in [*tags, (b"prvt", rest)]:
        table += struct.pack(">4sII", name, head + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4 if name != b"prvt" else 0)
    start = struct.pack(">I", size) + SRGB[4:8] + bytes([version]) + SRGB[9:128]
    return start + struct.pack(">I", len(tags) + 1) + table + bodies


def exif(size: int) -> bytes:
    """A block with one long tag: MakerNote."""
    body = struct.pack("<HHHIII", 1, 0x927C, 7, size - 26, 26, 0)
    return b"II*\0" + struct.pack("<I", 8) + body + b"m" * (size - 26)


def picture(**blocks: bytes) -> Picture:
    kinds = {"exif": EXIF, "icc": ICC, "xmp": XMP}
    pixels = np.ascontiguousarray(PHOTO[:, :, ::-1])
    return Picture(pixels, {kinds[name]: block for name, block in blocks.items()})


def write(given: Picture, extension: str) -> bytes:
    return to_file(given, extension, None, keep_metadata=True)


def read(content: bytes) -> dict[str, Any]:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return dict(image.info)


@pytest.mark.parametrize("extension", HOLDERS)
@pytest.mark.parametrize("size", [60_000, 65_519, 65_520, 90_000, 131_038, 131_040, 900_000])
def test_a_profile_of_any_size_is_kept(size: int, extension: str) -> None:
    icc = profile(size)
    content = write(picture(icc=icc), extension)
    assert read(content)["icc_profile"] == icc
    assert decode(content).metadata[ICC] == icc
    assert decode(content).notes == ()


@pytest.mark.parametrize("size", [65_503, 65_504, 65_526, 65_527])
def test_an_exif_block_that_fills_its_segment_is_kept(size: int) -> None:
    content = write(picture(exif=exif(size)), ".jpg")
    assert read(content)["exif"] == b"Exif\0\0" + exif(size)
    assert read_header(io.BytesIO(content)).size == Size(40, 56)
    assert decode(content).metadata == {EXIF: exif(size)}
    again = write(decode(content), ".jpg")
    assert read(again)["exif"] == b"Exif\0\0" + exif(size)


def test_all_three_blocks_at_their_limits_are_kept() -> None:
    blocks = {"exif": exif(65_527), "xmp": b"x" * 65_504, "icc": profile(200_000)}
    content = write(picture(**blocks), ".jpg")
    found = read(content)
    assert found["xmp"] == blocks["xmp"]
    assert found["exif"][6:] == blocks["exif"]
    assert found["icc_profile"] == blocks["icc"]
    assert np.array_equal(decode(content).pixels, decode(write(picture(), ".jpg")).pixels)


@pytest.mark.parametrize(
    ("blocks", "name"), [({"exif": exif(65_528)}, "EXIF"), ({"xmp": b"x" * 65_505}, "XMP")]
)
def test_what_a_jpeg_cannot_hold_is_dropped_with_a_note(
    blocks: dict[str, bytes], name: str
) -> None:
    given = picture(**blocks)
    prepared = prepare(given, Size(40, 56), ".jpg", keep_metadata=True)
    assert prepared.notes == (f"an {name} block too large for a jpg was dropped",)
    assert prepared.metadata == {}
    for extension in (".png", ".webp", ".avif"):
        prepared = prepare(given, Size(40, 56), extension, keep_metadata=True)
        assert prepared.notes == ()
        assert decode(write(given, extension)).metadata == given.metadata


@pytest.mark.parametrize("length", [1, 10, 50, 500, 5000, 65_504])
def test_xmp_in_a_png_is_that_which_was_given(length: int) -> None:
    """And not also what is behind it in memory."""
    for _ in range(5):
        content = write(picture(xmp=b"x" * length), ".png")
        at = content.index(b"tEXt")
        assert int.from_bytes(content[at - 4 : at]) == len(b"XML:com.adobe.xmp\0") + length
        assert decode(content).metadata == {XMP: b"x" * length}


def test_an_exif_block_behind_the_pixels_of_a_png_may_be_too_large_for_a_jpeg() -> None:
    """The plan, which reads the header alone, says that the image is written; so it is."""
    content = save("PNG", exif=exif(100_000))
    assert read_header(io.BytesIO(content)).size == Size(40, 56)
    prepared = prepare(decode(content), Size(40, 56), ".jpg", keep_metadata=True)
    assert len(prepared.notes) == 1


@pytest.mark.parametrize("extension", HOLDERS)
def test_bytes_behind_a_profile_are_cut_off(extension: str) -> None:
    content = save("JPEG", icc_profile=SRGB + b"rest")
    found = decode(content)
    assert (found.metadata, found.notes) == ({ICC: SRGB}, ())
    assert read(write(found, extension))["icc_profile"] == SRGB


DAMAGE = {
    "size": (0, struct.pack(">I", len(SRGB) + 1)),
    "small size": (0, struct.pack(">I", 100)),
    "signature": (36, b"none"),
    "class": (12, b"link"),
    "space between": (20, b"RGB "),
    "intent": (64, b"\xff\xff\xff\xff"),
    "count": (128, b"\0\0\xff\0"),
    "place of a tag": (136, b"\x7f\0\0\0"),
    "length of a tag": (140, b"\x7f\0\0\0"),
}


@pytest.mark.parametrize("extension", HOLDERS)
@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_profile_is_dropped_and_the_result_can_be_read(name: str, extension: str) -> None:
    at, changed = DAMAGE[name]
    broken = SRGB[:at] + changed + SRGB[at + len(changed) :]
    found = decode(save("JPEG", icc_profile=broken))
    assert found.metadata == {}
    assert found.notes == ("a damaged ICC block was dropped",)
    assert "icc_profile" not in read(write(found, extension))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.integers(0, 250), st.integers(0, 255), max_size=4), st.integers(0, 8))
def test_a_profile_that_is_kept_can_be_written_as_png(changes: dict[int, int], rest: int) -> None:
    changed = bytearray(SRGB + bytes(rest))
    for at, value in changes.items():
        changed[at] = value
    if not is_readable(bytes(changed)):
        return
    blocks = picture(icc=cut_to_size(bytes(changed)))
    content = write(blocks, ".png")
    assert np.array_equal(decode(content).pixels, blocks.pixels)


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
@pytest.mark.parametrize("name", ["jpeg_icc_of_90_kB.jpg", "jpeg_exif_of_65526_bytes.jpg"])
def test_reported_blocks_are_kept(name: str) -> None:
    content = (CASES / name).read_bytes()
    found = decode(content)
    assert len(found.metadata) == 1
    written = read(write(found, ".jpg"))
    given = read(content)
    if "icc_profile" in given:
        assert written["icc_profile"] == given["icc_profile"]
    else:
        assert len(written["exif"]) == len(given["exif"])
