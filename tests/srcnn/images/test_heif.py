"""HEIC: depths, orientation, profiles and damage; compared with libheif's own program."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from srcnn.errors import DamagedImageError, ImageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import decode, heif, read_header
from srcnn.images.metadata import read_orientation
from tests.support.images import to_file

pillow_heif = pytest.importorskip("pillow_heif")

HEIGHT, WIDTH = 96, 144
Y, X = np.mgrid[:HEIGHT, :WIDTH]
RGB = np.dstack([X * 255 // (WIDTH - 1), Y * 255 // (HEIGHT - 1), (X + Y) % 256]).astype(np.uint8)
RGBA = np.dstack([RGB, 2 * Y]).astype(np.uint8)
EXIF, XMP, ICC = (
    int(kind) for kind in (cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP, cv2.IMAGE_METADATA_ICCP)
)
CONVERT = shutil.which("heif-convert") or ""
ORIENTATION, MAKE = 0x0112, 0x010F
NEAR = 3  # levels of 255 that the conversion to YCbCr, and HEVC, lose


def heic(mode: str, pixels: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    size = pixels.shape[1::-1]
    settings = {"quality": -1, "chroma": "444", **options}
    pillow_heif.encode(mode, size, np.ascontiguousarray(pixels).tobytes(), file, **settings)
    return file.getvalue()


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[ORIENTATION], block[MAKE] = orientation, "maker"
    return block.tobytes()


PHOTO = heic("RGB", RGB)


@pytest.mark.parametrize(("mode", "pixels"), [("RGB", RGB), ("RGBA", RGBA), ("L", RGB[:, :, 0])])
def test_eight_bits_are_read(mode: str, pixels: Any) -> None:
    data = heic(mode, pixels)
    header, back = read_header(io.BytesIO(data)), decode(data).pixels
    assert (header.size, header.quality) == (Size(HEIGHT, WIDTH), 100)
    assert header.pixel_bytes == {"RGB": 3, "RGBA": 4, "L": 3}[mode]
    assert (back.shape, back.dtype) == (pixels.shape, np.uint8)
    order = [2, 1, 0, 3][: pixels.shape[2]] if pixels.ndim > 2 else slice(None)
    shown = back[:, :, order] if pixels.ndim > 2 else back
    assert np.abs(shown.astype(int) - pixels).max() <= NEAR


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("mode", ["RGB;16", "RGBA;16", "L;16"])
def test_ten_and_twelve_bits_become_sixteen_with_white_at_the_top(bits: int, mode: str) -> None:
    deep = RGBA.astype(np.uint16) * 257
    pixels = {"RGB;16": deep[:, :, :3], "RGBA;16": deep, "L;16": deep[:, :, 0]}[mode]
    data = heic(mode, pixels, bit_depth=bits)
    back = decode(data).pixels
    assert (back.shape, back.dtype) == (pixels.shape, np.uint16)
    assert read_header(io.BytesIO(data)).pixel_bytes == (8 if mode == "RGBA;16" else 6)
    order = [2, 1, 0, 3][: pixels.shape[2]] if pixels.ndim > 2 else slice(None)
    shown = back[:, :, order] if pixels.ndim > 2 else back
    assert np.abs(shown.astype(int) - pixels).max() <= 257 * NEAR
    assert back.max() == 65_535


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_the_container_is_applied_once(orientation: int) -> None:
    data = heic("RGB", RGB, exif=exif(orientation))  # in both, as phones write it
    picture = decode(data)
    turned = Image.fromarray(RGB)
    turned.getexif()[ORIENTATION] = orientation
    expected = np.asarray(ImageOps.exif_transpose(turned))
    assert read_header(io.BytesIO(data)).size == expected.shape[:2]
    assert np.abs(picture.pixels[:, :, ::-1].astype(int) - expected).max() <= NEAR
    with Image.open(io.BytesIO(to_file(picture, ".jpg", None, keep_metadata=True))) as image:
        assert read_orientation(image) == 1
        assert image.getexif()[MAKE] == "maker"


def test_an_orientation_that_exif_and_xmp_alone_say_does_not_count() -> None:
    entry, turned = (struct.pack(">HHIHH", ORIENTATION, 3, 1, number, 0) for number in (1, 6))
    upright, packet = (b'<x tiff:Orientation="%d"/>' % number for number in (1, 6))
    data = heic("RGB", RGB, exif=exif(1), xmp=upright)
    data = data.replace(entry, turned).replace(upright, packet)
    assert turned in data
    assert packet in data
    picture = decode(data)
    assert read_header(io.BytesIO(data)).size == picture.pixels.shape[:2] == (HEIGHT, WIDTH)
    assert b'"6"' not in picture.metadata[XMP]
    with Image.open(io.BytesIO(to_file(picture, ".jpg", None, keep_metadata=True))) as image:
        assert read_orientation(image) == 1


def test_profile_and_xmp_are_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decode(heic("RGB", RGB, icc_profile=profile, xmp=b"<x:xmpmeta/>", exif=exif(1)))
    assert picture.metadata[ICC] == profile
    assert picture.metadata[XMP] == b"<x:xmpmeta/>"
    assert picture.metadata[EXIF][:4] == b"MM\0*"


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_kept_by_its_numbers(transfer: int, name: str) -> None:
    numbers = {"color_primaries": 9, "transfer_characteristics": transfer}
    numbers |= {"matrix_coefficients": 9, "full_range_flag": 1}
    picture = decode(heic("RGB;16", RGB.astype(np.uint16) * 257, **numbers))
    assert picture.traits.hdr == (9, transfer)
    png = to_file(picture, ".png", None, keep_metadata=True)
    assert png[png.index(b"cICP") + 4 :][:4] == bytes([9, transfer, 0, 1]), name


def test_display_p3_by_numbers_becomes_a_profile() -> None:
    numbers = {"color_primaries": 12, "transfer_characteristics": 13}
    numbers |= {"matrix_coefficients": 6, "full_range_flag": 1}
    profile = decode(heic("RGB", RGB, **numbers)).metadata[ICC]
    assert ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "RGB"


def test_tiles_of_a_phone_make_one_picture() -> None:
    tiled = decode(heic("RGB", RGB, tile_size=64)).pixels
    assert np.abs(tiled.astype(int) - decode(PHOTO).pixels).max() <= 2 * NEAR


@pytest.mark.parametrize("primary", [0, 1])
def test_of_several_images_the_primary_one_is_read(primary: int) -> None:
    file = pillow_heif.from_pillow(Image.fromarray(RGB))
    file.add_from_pillow(Image.fromarray(np.zeros((40, 50, 3), np.uint8)))
    buffer = io.BytesIO()
    file.save(buffer, primary_index=primary, quality=90)
    data = buffer.getvalue()
    size = (HEIGHT, WIDTH) if primary == 0 else (40, 50)
    assert read_header(io.BytesIO(data)).size == decode(data).pixels.shape[:2] == size


def test_pillow_is_left_as_it_was() -> None:
    """Its plugin would take every AVIF that other code of the process opens, and fail."""
    code = """
import sys
from PIL import Image
from srcnn.images.decoding import decode
decode(sys.stdin.buffer.read())
assert "HEIF" not in Image.OPEN
"""
    # In a process of its own: other libraries of the tests register the plugin.
    subprocess.run([sys.executable, "-c", code], input=PHOTO, check=True)


def test_a_gain_map_is_noted() -> None:
    image = Image.new("RGB", (1, 1))
    image.info["aux"] = {"urn:com:apple:photo:2020:aux:hdrgainmap": [7]}
    assert heif.list_notes(image) == ("a gain map (HDR) is not kept",)  # type: ignore[arg-type]


def test_a_sequence_is_refused() -> None:
    with pytest.raises(UnsupportedImageError, match="sequence of frames"):
        decode(PHOTO + struct.pack(">I4s", 8, b"moov"))


def test_coded_pixels_many_times_those_of_the_header_are_refused() -> None:
    large = heic("L", np.zeros((1200, 1600), np.uint8), quality=10)
    size = struct.pack(">II", 1600, 1200)
    assert large.count(size) == 1
    small = large.replace(size, struct.pack(">II", 16, 16))
    assert read_header(io.BytesIO(small)).size == (16, 16)
    with pytest.raises(DamagedImageError):
        decode(small)


def test_heic_is_not_written() -> None:
    with pytest.raises(UnsupportedImageError, match="use --format jpg, avif or png"):
        to_file(decode(PHOTO), ".heic", None, keep_metadata=True)


@pytest.mark.skipif(not CONVERT, reason="needs libheif's heif-convert")
@pytest.mark.parametrize("chroma", ["420", "422", "444"])
def test_pixels_are_those_of_heif_convert(chroma: str, tmp_path: Path) -> None:
    """libheif's own, of another version; the colours of 4:2:0 may be enlarged in another way."""
    source, target = tmp_path / "a.heic", tmp_path / "a.png"
    source.write_bytes(heic("RGB", RGB, quality=80, chroma=chroma, exif=exif(6)))
    subprocess.run([CONVERT, source, target], check=True, capture_output=True)
    with Image.open(target) as image:  # upright; its EXIF says otherwise
        expected = np.asarray(image).astype(float)
    difference = np.abs(decode(source.read_bytes()).pixels[:, :, ::-1] - expected)
    assert difference.mean() < 1


def test_without_the_package_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnsupportedImageError) as caught:
        read_header(io.BytesIO(PHOTO))
    assert str(caught.value) == (
        "it is a HEIC (HEIF) image, which needs pillow-heif, which is not installed: "
        "pip install -e '.[formats]' -c constraints.txt in a checkout, "
        "or pip install pillow-heif==1.8.1 elsewhere"
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PHOTO) - 1))
def test_a_truncated_file_is_refused(end: int) -> None:
    for read in (decode, lambda data: read_header(io.BytesIO(data)) and decode(data)):
        with pytest.raises(ImageError):
            read(PHOTO[:end])


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
