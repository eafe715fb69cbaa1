"""Encoding: another library reads the same size, depth, greyness, alpha and pixels."""

from __future__ import annotations

import io
import re
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.errors import ImageTooLargeError, UnsupportedImageError, UsageError
from srcnn.geometry import Size
from srcnn.images.colour import parse_colour
from srcnn.images.encode import encode
from srcnn.images.formats import check_size
from srcnn.images.picture import Picture
from srcnn.images.pixels import Pixels
from srcnn.images.prepare import PreparedImage, prepare
from tests.support.images import to_file

KINDS = [".png", ".jpg", ".webp", ".tiff", ".avif", ".bmp", ".ppm"]
ALPHA = {".png", ".webp", ".tiff", ".avif"}
DEEP = {".png", ".tiff", ".ppm"}
LOSSLESS = {".png", ".webp", ".tiff", ".bmp", ".ppm"}


def gradient(size: tuple[int, int], channels: int, depth: type, seed: int) -> Any:
    """A gradient between two random colours, which every codec keeps well; one channel is grey."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, np.iinfo(depth).max, (2, channels), endpoint=True).astype(float)
    share = np.add.outer(np.arange(size[0]), np.arange(size[1]))[:, :, None] / 200
    pixels = (ends[0] * (1 - share) + ends[1] * share).astype(depth)
    return pixels[:, :, 0] if channels == 1 else pixels


def by_another(data: bytes, extension: str, depth: type) -> Any:
    """Decode to RGB(A) or grey with a library that did not write the file.

    Pillow has 8 bits for most of what has 16; tifffile and the format itself are asked for those.
    """
    if extension == ".tiff":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            bits = file.pages.first.bitspersample
            extra = file.pages.first.extrasamples
        assert bits == np.iinfo(depth).bits
        assert extra in ((), (tifffile.EXTRASAMPLE.UNASSALPHA,))
    if extension == ".ppm" and depth is np.uint16:
        header = re.match(rb"P([56])\s(\d+) (\d+)\s65535\s", data)
        assert header
        shape = (int(header[3]), int(header[2]), *((3,) if header[1] == b"6" else ()))
        return np.frombuffer(data[header.end() :], dtype=">u2").reshape(shape)
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("extension", KINDS)
@settings(max_examples=40)
@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    channels=st.sampled_from([1, 3, 4]),
    depth=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 1000),
)
def test_another_library_reads_what_was_written(
    extension: str, size: tuple[int, int], channels: int, depth: type, seed: int
) -> None:
    pixels = gradient(size, channels, depth, seed)
    data = to_file(Picture(pixels), extension, None, keep_metadata=True, flatten="white")
    back = by_another(data, extension, depth)
    with_alpha = channels == 4 and extension in ALPHA
    if extension == ".webp" and channels == 1:  # WebP has no grey
        back = back[:, :, 0]
    assert back.shape == ((*size, 4 if with_alpha else 3) if channels > 1 else size)
    if channels == 4:
        if not with_alpha:
            return  # see the tests of flattening
        seen = pixels[:, :, 3] > (0 if depth is np.uint8 else 128)  # WebP drops transparent colours
        pixels, back = pixels[seen], back[seen]
    expected = pixels if channels == 1 else pixels[..., [2, 1, 0, 3][:channels]]
    if depth is np.uint16 and extension in DEEP and back.dtype != np.uint8:
        assert np.array_equal(back, expected)
        return
    error = np.abs(back - expected / (257 if depth is np.uint16 else 1))
    bound = 12 if extension in (".jpg", ".avif") else 1 if depth is np.uint16 else 0
    assert error.max(initial=0) <= bound


@pytest.mark.parametrize(
    ("extension", "channels"),
    [(e, c) for e in sorted(DEEP) for c in (1, 3, 4) if c < 4 or e in ALPHA],
)
def test_all_16_bits_are_kept(extension: str, channels: int) -> None:
    pixels = gradient((31, 43), channels, np.uint16, 3)
    data = to_file(Picture(pixels), extension, None, keep_metadata=True)
    back = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    assert back is not None
    assert np.array_equal(back, pixels)


def test_sixteen_bits_become_ten_in_avif() -> None:
    pixels = gradient((64, 64), 1, np.uint16, 1)
    data = to_file(Picture(pixels), ".avif", None, keep_metadata=True)
    back = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    assert back is not None
    assert back.dtype == np.uint16
    assert np.abs(back - pixels / 65_535 * 1023).max() < 8
    assert len(np.unique(back)) > 256 * int(np.ptp(pixels)) / 65_535  # more levels than 8 bits have


def test_an_avif_of_quality_100_is_lossless() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    data = to_file(Picture(pixels), ".avif", 100, keep_metadata=True)
    assert np.array_equal(by_another(data, ".avif", np.uint8), pixels[:, :, ::-1])


# Alpha in formats without alpha.


def disc(depth: type = np.uint8) -> Pixels:
    white = np.iinfo(depth).max
    picture = np.zeros((8, 8, 4), dtype=depth)
    picture[2:6, 2:6] = (0, 0, white, white)
    picture[0, 0] = (white, 0, 0, white // 3)
    return picture


@pytest.mark.parametrize("extension", [".jpg", ".bmp", ".ppm"])
def test_alpha_is_rejected_with_two_suggestions(extension: str) -> None:
    with pytest.raises(UnsupportedImageError, match=r"--format png.*--flatten white"):
        prepare(Picture(disc()), Size(16, 16), extension, keep_metadata=True)
    with pytest.raises(UnsupportedImageError, match=r"--format png.*--flatten white"):
        to_file(Picture(disc()), extension, None, keep_metadata=True)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_flattened_picture_looks_as_in_a_viewer(depth: type) -> None:
    pixels = disc(depth)
    picture = Picture(pixels)
    data = to_file(picture, ".ppm", None, keep_metadata=True, flatten="#0080ff")
    back = by_another(data, ".ppm", depth)
    page = Image.new("RGBA", (8, 8), "#0080ff")
    eight = (pixels // (1 if depth is np.uint8 else 257)).astype(np.uint8)
    page.alpha_composite(Image.fromarray(eight[:, :, [2, 1, 0, 3]]))
    expected = np.asarray(page.convert("RGB")) * (1.0 if depth is np.uint8 else 257.0)
    assert back.dtype.itemsize == np.dtype(depth).itemsize
    assert np.abs(back - expected).max() <= (1 if depth is np.uint8 else 257)
    assert back[7, 7].tolist() == [0, 128 * (expected.max() // 255), expected.max()]


@pytest.mark.parametrize("extension", sorted(ALPHA))
def test_formats_with_alpha_keep_it_despite_a_flatten_colour(extension: str) -> None:
    data = to_file(Picture(disc()), extension, 100, keep_metadata=True, flatten="white")
    back = by_another(data, extension, np.uint8)
    assert back[:, :, 3].tolist() == disc()[:, :, 3].tolist()


@pytest.mark.parametrize("extension", [".jpg", ".bmp", ".ppm"])
def test_an_opaque_alpha_channel_is_dropped(extension: str) -> None:
    pixels = gradient((8, 9), 4, np.uint8, 5)
    pixels[:, :, 3] = 255
    prepared = prepare(Picture(pixels), Size(16, 18), extension, keep_metadata=True)
    assert np.array_equal(prepared.pixels, pixels[:, :, :3])
    data = to_file(Picture(pixels), extension, None, keep_metadata=True)
    assert by_another(data, extension, np.uint8).shape == (8, 9, 3)
    kept = prepare(Picture(pixels), Size(16, 18), ".png", keep_metadata=True)
    assert np.array_equal(kept.pixels, pixels)


def test_an_invalid_colour_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nocolour"):
        to_file(Picture(disc()), ".jpg", None, keep_metadata=True, flatten="nocolour")


# Sizes.


@pytest.mark.parametrize(
    ("extension", "side"), [(".jpg", 65_500), (".webp", 16_383), (".avif", 32_768)]
)
def test_the_longest_side_is_written_and_read_and_one_more_is_refused(
    extension: str, side: int
) -> None:
    for size in (Size(1, side), Size(side, 1)):
        check_size(f"a{extension}", size)
        pixels = np.zeros((*size, 3), dtype=np.uint8)
        data = to_file(Picture(pixels), extension, 50, keep_metadata=True)
        assert by_another(data, extension, np.uint8).shape == pixels.shape
    for size in (Size(1, side + 1), Size(side + 1, 1)):
        with pytest.raises(ImageTooLargeError, match=f"{side} px per side: use --format png"):
            check_size(f"a{extension}", size)
        wide = Picture(np.zeros((*size, 3), dtype=np.uint8))
        with pytest.raises(ImageTooLargeError, match=f"{side} px per side"):
            to_file(wide, extension, None, keep_metadata=True)


@pytest.mark.parametrize(
    ("extension", "size", "bytes_per_pixel", "limit"),
    [
        (".avif", Size(17_000, 17_000), 1, "268 megapixels: use --format png, jpg or tiff"),
        (".bmp", Size(30_000, 30_000), 3, "2.1 gigabytes"),
        (".pgm", Size(30_000, 40_000), 2, "2.1 gigabytes"),
        (".tif", Size(30_000, 30_000), 8, "3.9 gigabytes"),
        (".png", Size(1, 1_000_001), 3, "1000000 px per side: use --format tiff"),
        (".png", Size(1_000_001, 10_000), 3, "1000000 px per side: use a smaller scale"),
    ],
)
def test_the_error_names_the_limit_of_pixels_or_bytes(
    extension: str, size: Size, bytes_per_pixel: int, limit: str
) -> None:
    with pytest.raises(ImageTooLargeError, match=limit):
        check_size(f"d/a.b{extension.upper()}", size, bytes_per_pixel)
    check_size(f"a{extension}", Size(9000, 9000), bytes_per_pixel)


def test_a_format_missing_in_the_installed_library_is_rejected() -> None:
    with pytest.raises(UnsupportedImageError, match=r"cannot write \.xyz"):
        to_file(Picture(disc()), ".xyz", None, keep_metadata=True)


@pytest.mark.parametrize(
    ("extension", "shape", "depth", "fits"),
    [
        (".bmp", (8, 9, 3), np.uint8, 715_666_666),
        (".bmp", (8, 9), np.uint8, 2_147_000_000),
        (".bmp", (8, 9), np.uint16, 2_147_000_000),  # written in 8 bits
        (".ppm", (8, 9, 3), np.uint8, 715_666_666),
        (".ppm", (8, 9, 3), np.uint16, 357_833_333),
        (".pgm", (8, 9), np.uint16, 1_073_500_000),
        (".tiff", (8, 9), np.uint8, 3_900_000_000),
        (".tiff", (8, 9, 3), np.uint8, 1_300_000_000),
        (".tiff", (8, 9, 4), np.uint8, 975_000_000),
        (".tiff", (8, 9, 4), np.uint16, 487_500_000),
    ],
)
def test_a_picture_just_within_its_format_s_bytes_is_prepared_and_one_pixel_more_is_refused(
    extension: str, shape: tuple[int, ...], depth: type, fits: int
) -> None:
    picture = Picture(np.zeros(shape, depth))
    prepared = prepare(picture, Size(fits, 1), extension, keep_metadata=True)
    assert np.array_equal(prepared.pixels, picture.pixels)
    with pytest.raises(ImageTooLargeError, match=r"supports at most .* gigabytes of pixels"):
        prepare(picture, Size(fits + 1, 1), extension, keep_metadata=True)


def test_alpha_that_the_format_does_not_hold_needs_none_of_its_bytes() -> None:
    picture = Picture(disc())
    white = parse_colour("white")
    prepare(picture, Size(715_666_666, 1), ".bmp", keep_metadata=True, flatten=white)
    with pytest.raises(ImageTooLargeError, match=r"bmp supports at most 2\.1 gigabytes"):
        prepare(picture, Size(715_666_667, 1), ".bmp", keep_metadata=True, flatten=white)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_black_and_white_of_16_bits_are_those_of_10_bits_in_avif(channels: int) -> None:
    pixels = np.zeros((64, 64, channels), np.uint16)
    pixels[:, 32:] = 65_535
    pixels[..., 3:] = 65_535
    data = to_file(Picture(np.squeeze(pixels)), ".avif", 100, keep_metadata=True)
    back = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    assert back is not None
    colours = back.reshape(64, 64, -1)[:, :, :3]
    assert np.unique(colours[:, :32]).tolist() == [0]
    assert np.unique(colours[:, 32:]).tolist() == [1023]


@pytest.mark.parametrize(
    ("kind", "shape", "reason"),
    [
        ("jpg", (1, 65_501, 3), "65501x1 px, 3 x 8 bits, .* as jpg: use --format png or webp or"),
        ("webp", (1, 16_384, 3), "16384x1 px, 3 x 8 bits, .* as webp: use --format png or jpg or"),
        ("png", (2, 2, 2), "2x2 px, 2 x 8 bits, .* as png: use --format jpg or webp or"),
    ],
)
def test_what_the_encoder_cannot_write_is_refused_with_its_reason(
    kind: str, shape: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(UnsupportedImageError, match=reason) as caught:
        encode(PreparedImage(np.zeros(shape, np.uint8), kind, {}), None)
    assert not re.search("OpenCV|cv::|channels ==", str(caught.value))
