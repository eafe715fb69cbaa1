"""Decoding: every kind of image in its own depth, upright, complete, with limited resources."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from srcnn.errors import (
    DamagedImageError,
    ImageError,
    SourceChangedError,
    UnsupportedImageError,
)
from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from tests.support.counting_file import CountingFile
from tests.support.images import to_file

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::UserWarning:PIL.{name}")
    for name in ("TiffImagePlugin", "PngImagePlugin", "Image")
]

Array = npt.NDArray[Any]
ORIENTATION = 0x0112
HEIGHT, WIDTH = 33, 47
DAMAGED = r"^the file is (truncated|damaged)|^not a readable image: "


def noise(*shape: int, top: int = 255) -> Array:
    values = np.random.default_rng(11).integers(0, top + 1, (HEIGHT, WIDTH, *shape))
    return values.astype(np.uint16 if top > 255 else np.uint8)


def smooth(*channels: int) -> Array:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [60 + 3 * x + (4 + at) * y * (-1) ** at for at in range(*channels or (1,))]
    return np.squeeze(np.clip(np.dstack(planes), 0, 255).astype(np.uint8))


def pillow(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def tiff(array: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def packed(values: Array, depth: int) -> bytes:
    """Pack samples (H, W, C) as the unfiltered rows of a PNG."""
    flat = values.reshape(len(values), -1)
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in flat]
    else:
        bits = (flat[:, :, None] >> np.arange(depth)[::-1]) & 1
        rows = [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]
    return b"".join(b"\x00" + row for row in rows)


def png(  # noqa: PLR0913 - the parts of a file
    values: Array,
    kind: int,
    depth: int,
    before: bytes = b"",
    *,
    after: bytes = b"",
    lost: int = 0,
) -> bytes:
    """Build a PNG with valid chunks, whose pixel data lacks `lost` bytes."""
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, kind, 0, 0, 0)
    rows = packed(values, depth)
    pixels = zlib.compress(rows[: len(rows) - lost])
    body = before + chunk(b"IDAT", pixels) + after
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


# Kinds of PNG.


@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_greys_of_every_depth(depth: int, *, clear: bool) -> None:
    values = noise(1, top=2**depth - 1)
    key = int(values[5, 5, 0])
    picture = decode(
        png(values, 0, depth, chunk(b"tRNS", struct.pack(">H", key)) if clear else b"")
    )
    scale = 255 // (2**depth - 1) if depth < 8 else 1
    grey = (values[:, :, 0] * scale).astype(np.uint16 if depth == 16 else np.uint8)
    assert picture.is_grey
    assert picture.pixels.dtype == grey.dtype
    if not clear:
        assert np.array_equal(picture.pixels, grey)
        return
    alpha = np.where(values[:, :, 0] == key, 0, np.iinfo(grey.dtype).max)
    assert np.array_equal(picture.pixels, np.dstack([grey, grey, grey, alpha]))


@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
@pytest.mark.parametrize("depth", [8, 16])
def test_colours_of_both_depths(depth: int, *, clear: bool) -> None:
    values = noise(3, top=2**depth - 1)
    key = values[5, 5]
    picture = decode(
        png(values, 2, depth, chunk(b"tRNS", struct.pack(">3H", *key)) if clear else b"")
    )
    assert not picture.is_grey
    assert np.array_equal(picture.pixels[:, :, 2::-1], values)
    if clear:
        alpha = np.where((values == key).all(axis=2), 0, 2**depth - 1)
        assert np.array_equal(picture.pixels[:, :, 3], alpha)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", [4, 6], ids=["grey", "colour"])
def test_alpha_of_both_depths(kind: int, depth: int) -> None:
    values = noise(2 if kind == 4 else 4, top=2**depth - 1)
    picture = decode(png(values, kind, depth))
    expected = values[:, :, [0, 0, 0, 1]] if kind == 4 else values[:, :, [2, 1, 0, 3]]
    assert picture.is_grey == (kind == 4)
    assert picture.pixels.dtype == values.dtype
    assert np.array_equal(picture.pixels, expected)


@pytest.mark.parametrize("clear", [b"", b"\x00\x80"], ids=["opaque", "clear"])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palettes_of_every_depth(depth: int, clear: bytes) -> None:
    values = noise(1, top=2**depth - 1)
    colours = np.random.default_rng(1).integers(0, 256, (2**depth, 3), dtype=np.uint8)
    before = chunk(b"PLTE", colours.tobytes()) + (chunk(b"tRNS", clear) if clear else b"")
    pixels = decode(png(values, 3, depth, before)).pixels
    assert np.array_equal(pixels[:, :, 2::-1], colours[values[:, :, 0]])
    if clear:
        alpha = np.array([*clear, *[255] * (2**depth - len(clear))])
        assert np.array_equal(pixels[:, :, 3], alpha[values[:, :, 0]])


def test_gamma_and_significant_bits_change_no_pixel() -> None:
    values = noise(3)
    before = chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(b"sBIT", b"\x05\x05\x05")
    assert np.array_equal(decode(png(values, 2, 8, before)).pixels[:, :, ::-1], values)


# Kinds of other formats.

DEEP, DEEP_GREY = noise(4, top=65_535), noise(top=65_535)


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib", "predictor": True}, {"tile": (16, 16)}, {"byteorder": ">"}],
    ids=["raw", "deflate", "tiles", "big-endian"],
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiffs_of_16_bits(channels: int, options: dict[str, Any]) -> None:
    values = DEEP_GREY if channels == 1 else DEEP[:, :, :channels]
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    photometric = "minisblack" if channels == 1 else "rgb"
    pixels = decode(tiff(values, photometric=photometric, **extra, **options)).pixels
    order = [2, 1, 0, 3][:channels]
    assert np.array_equal(pixels, values if channels == 1 else values[:, :, order])


def test_a_deep_tiff_with_inverted_grey_is_converted() -> None:
    pixels = decode(tiff(DEEP_GREY, photometric="miniswhite")).pixels
    assert np.array_equal(pixels, 65_535 - DEEP_GREY)


def test_premultiplied_grey_is_divided_by_alpha() -> None:
    file = io.BytesIO()
    stored = np.dstack([np.full((4, 6), 100, np.uint8), np.full((4, 6), 200, np.uint8)])
    tifffile.imwrite(file, stored, photometric="minisblack", extrasamples=["assocalpha"])
    found = decode(file.getvalue(), Size(4, 6)).pixels
    assert np.abs(found.astype(int) - [127, 127, 127, 200]).max() <= 1


def test_premultiplied_colours_of_a_deep_tiff_are_divided_by_alpha() -> None:
    alpha = DEEP[:, :, 3:] | 0x4000
    multiplied = np.rint(DEEP[:, :, :3] * (alpha / 65_535)).astype(np.uint16)
    content = tiff(np.dstack([multiplied, alpha]), photometric="rgb", extrasamples=["assocalpha"])
    pixels = decode(content).pixels.astype(int)
    assert np.array_equal(pixels[:, :, 3:], alpha)
    assert np.abs(pixels[:, :, 2::-1] - DEEP[:, :, :3]).max() <= 4


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}], ids=["raw", "deflate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_deep_tiff_may_have_separate_planes(channels: int, options: dict[str, Any]) -> None:
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    planes = np.moveaxis(DEEP, 2, 0)[:channels].copy()
    content = tiff(planes, photometric="rgb", planarconfig="separate", **extra, **options)
    order = [2, 1, 0, 3][:channels]
    assert np.array_equal(decode(content).pixels, DEEP[:, :, order])
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(DamagedImageError, match=DAMAGED):
            decode(content[: int(share * len(content))])


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}], ids=str)
@pytest.mark.parametrize(
    ("values", "white"),
    [(DEEP[:, :, :2], "minisblack"), (DEEP[:, :, :2], "miniswhite"), (noise(2), "minisblack")],
    ids=["16 bits", "16 bits, inverted", "8 bits"],
)
def test_grey_with_alpha_of_a_tiff(values: Array, white: str, options: dict[str, Any]) -> None:
    content = tiff(values, photometric=white, extrasamples=["unassalpha"], **options)
    picture = decode(content)
    grey, alpha = values[:, :, 0], values[:, :, 1]
    grey = np.iinfo(values.dtype).max - grey if white == "miniswhite" else grey
    assert picture.is_grey
    assert picture.pixels.dtype == values.dtype
    assert np.array_equal(picture.pixels, np.dstack([grey, grey, grey, alpha]))
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(DamagedImageError, match=DAMAGED):
            decode(content[: int(share * len(content))])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["LA", "planes"])
def test_the_orientation_of_unusual_deep_tiffs_is_applied_once(kind: str, orientation: int) -> None:
    values = DEEP[:, :, :2] if kind == "LA" else np.moveaxis(DEEP, 2, 0)[:3].copy()
    options: dict[str, Any] = {"photometric": "rgb", "planarconfig": "separate"}
    if kind == "LA":
        options = {"photometric": "minisblack", "extrasamples": ["unassalpha"]}
    content = tiff(values, extratags=[(274, 3, 1, orientation, True)], **options)
    grey = Image.fromarray(DEEP[:, :, 0])
    grey.getexif()[ORIENTATION] = orientation
    expected = np.asarray(ImageOps.exif_transpose(grey))
    plane = 0 if kind == "LA" else 2
    assert read_header(io.BytesIO(content)).size == expected.shape
    assert np.array_equal(decode(content).pixels[:, :, plane], expected)


def test_a_fourth_sample_of_unknown_meaning_is_not_alpha() -> None:
    content = tiff(DEEP, photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(decode(content).pixels, DEEP[:, :, 2::-1])


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        (DEEP, {"photometric": "separated"}, "16-bit CMYK"),
        (DEEP_GREY.astype(np.int16), {}, "unsigned integers"),
        (DEEP_GREY.astype(np.uint32), {}, "32 bits"),
        (DEEP_GREY.astype(np.float32), {}, "32 bits"),
        (DEEP_GREY.astype(np.float16), {}, "floating-point samples of 16 bits"),
    ],
    ids=["cmyk", "signed", "32 bits", "float", "half"],
)
def test_unsupported_tiffs_are_rejected(
    values: Array, options: dict[str, Any], reason: str
) -> None:
    photometric = {} if values.ndim == 2 else {"photometric": "rgb"}
    with pytest.raises(ImageError, match=reason):
        decode(tiff(values, **{**photometric, **options}))


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 3])
def test_avif_of_every_depth(channels: int, bits: int) -> None:
    values = smooth(3) if channels == 3 else smooth()
    white = 2**bits - 1
    stored = np.rint(values.astype(float) * white / 255)
    stored = stored.astype(np.uint8 if bits == 8 else np.uint16)
    done, content = cv2.imencode(
        ".avif", stored, [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 98]
    )
    assert done
    picture = decode(content.tobytes())
    assert picture.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert picture.pixels.shape == values.shape
    assert picture.is_grey == (channels == 1)
    shown = picture.pixels / (1 if bits == 8 else 257)
    assert np.abs(shown - values).mean() < 2


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_avif_keeps_alpha(mode: str) -> None:
    source = Image.fromarray(smooth(4)).convert(mode)
    pixels = decode(pillow(source, "AVIF", quality=95)).pixels
    channels = {"L": 1, "LA": 4, "RGB": 3, "RGBA": 4}[mode]
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    assert pixels.shape == (HEIGHT, WIDTH, channels)
    shown = np.broadcast_to(pixels[:, :, 2::-1], (HEIGHT, WIDTH, 3))
    assert cv2.PSNR(shown.copy(), np.asarray(source.convert("RGB"))) > 25


@pytest.mark.parametrize("clear", [None, 3])
def test_a_still_gif(clear: int | None) -> None:
    source = Image.fromarray(noise(3)).quantize(16)
    options = {} if clear is None else {"transparency": clear}
    pixels = decode(pillow(source, "GIF", **options)).pixels
    assert np.array_equal(pixels[:, :, 2::-1], np.asarray(source.convert("RGB")))
    if clear is not None:
        assert np.array_equal(pixels[:, :, 3] == 0, np.asarray(source) == clear)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_animations_and_pages_are_rejected_by_the_header(form: str) -> None:
    frames = [Image.fromarray(np.roll(smooth(3), at * 9, axis=1)) for at in range(3)]
    content = pillow(frames[0], form, save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedImageError, match=r"it has (3|several) frames or pages"):
        read_header(io.BytesIO(content))


@pytest.mark.parametrize("white", [256, 1000, 4095, 65_535])
def test_a_deep_pnm_is_scaled_from_its_maximum(white: int) -> None:
    values = noise(top=white) if white > 255 else noise()
    content = f"P5 {WIDTH} {HEIGHT} {white}\n".encode() + values.astype(">u2").tobytes()
    expected = np.rint(values * (65_535 / white))
    assert np.array_equal(decode(content).pixels, expected)


# CMYK and Lab.


def cmyk_profile() -> bytes:
    """A CMYK profile whose colours differ from the formula: device to Lab by one table.

    ICC.1:2001 (version 2), sections 6.1 and 6.5.8 (lut8Type): a grid of two points an axis.
    """
    grid = np.array(list(np.ndindex(2, 2, 2, 2)))
    light = 255 * (1 - grid[:, 3]) * (1 - 0.5 * grid[:, :3].mean(axis=1))
    table = np.column_stack([light, 128 + 60 * grid[:, 1], 128 + 40 * grid[:, 2]])
    ramp = bytes(range(256))
    matrix = b"".join(struct.pack(">i", 65_536 * (at % 4 == 0)) for at in range(9))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramp * 4
    lut += table.astype(np.uint8).tobytes() + ramp * 3
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63_190, 65_536, 54_061)
    tags = {b"desc": text, b"A2B0": lut, b"wtpt": white}
    at, index, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        index += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63_190, 65_536, 54_061) + bytes(48)
    whole = head + struct.pack(">I", len(tags)) + index + body
    return struct.pack(">I", len(whole)) + whole[4:]


CMYK = Image.fromarray(smooth(4), "RGBA").convert("RGB").convert("CMYK")


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_is_converted_by_its_profile(form: str) -> None:
    profile = cmyk_profile()
    options = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    content = pillow(CMYK, form, icc_profile=profile, **options)
    picture = decode(content)
    with Image.open(io.BytesIO(content)) as image:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            "CMYK",
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
        )
        expected = np.asarray(ImageCms.applyTransform(image, transform))
        plain = np.asarray(image.convert("RGB"))
    assert np.array_equal(picture.pixels[:, :, ::-1], expected)
    assert np.abs(expected.astype(int) - plain).mean() > 5
    assert picture.notes == ("CMYK converted to RGB by its profile",)
    assert cv2.IMAGE_METADATA_ICCP not in picture.metadata


@pytest.mark.parametrize(
    ("profile", "why"), [(b"", "has no profile"), (b"\0" * 16 + b"CMYK" + b"\0" * 200, "damaged")]
)
def test_cmyk_without_a_usable_profile_is_converted_by_formula(profile: bytes, why: str) -> None:
    picture = decode(pillow(CMYK, "TIFF", icc_profile=profile))
    ink = 255 - np.asarray(CMYK).astype(float)
    expected = ink[:, :, :3] * ink[:, :, 3:] / 255
    assert np.abs(picture.pixels[:, :, ::-1] - expected).max() <= 1
    assert why in picture.notes[0]
    assert cv2.IMAGE_METADATA_ICCP not in picture.metadata


def test_cmyk_jpegs_are_inverted_and_ycck_is_the_same_picture() -> None:
    """Adobe's marker has transform 0 for CMYK and 2 for YCCK; the samples are inverted."""
    content = pillow(CMYK, "JPEG", quality=100, subsampling=0)
    at = content.index(b"Adobe") + 11
    assert content[at] == 0
    expected = np.asarray(CMYK.convert("RGB")).astype(int)
    assert np.abs(decode(content).pixels[:, :, ::-1] - expected).mean() < 3
    # YCC stores inverted CMY, so the colours are converted first.
    inks = 255 - np.asarray(CMYK)
    inks[:, :, :3] = np.asarray(Image.fromarray(inks[:, :, :3].copy()).convert("YCbCr"))
    turned = Image.fromarray(255 - inks, "CMYK")
    content = bytearray(pillow(turned, "JPEG", quality=100, subsampling=0))
    content[at] = 2
    # libjpeg: C = 255 - R of YCC, so its CMY is inverted.
    back = decode(bytes(content)).pixels[:, :, ::-1].astype(float)
    ycc = np.asarray(Image.fromarray(inks[:, :, :3].copy(), "YCbCr").convert("RGB"))
    wanted = (255 - ycc.astype(float)) * inks[:, :, 3][:, :, None] / 255
    assert np.abs(back - wanted).mean() < 3


def test_lab_becomes_rgb() -> None:
    source = Image.fromarray(smooth(3))
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    values = ImageCms.profileToProfile(source, srgb, lab, outputMode="LAB")
    assert values is not None
    picture = decode(pillow(values, "TIFF"))
    assert picture.notes == ("Lab converted to RGB",)
    shown = np.asarray(source).astype(int)
    assert np.abs(picture.pixels[:, :, ::-1] - shown).mean() < 2


# Orientation.


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_before_or_after_the_pixels_of_a_png(orientation: int, place: str) -> None:
    values = noise(3)
    block = chunk(b"eXIf", exif(orientation).tobytes().removeprefix(b"Exif\0\0"))
    content = png(values, 2, 8, **{place: block})
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert read_header(io.BytesIO(content)).size == expected.shape[:2]
    picture = decode(content)
    assert np.array_equal(picture.pixels[:, :, ::-1], expected)
    (block_now,) = picture.metadata.values()
    read = Image.Exif()
    read.load(block_now)
    assert read[ORIENTATION] == 1


@pytest.mark.parametrize(
    ("name", "place", "counts"),
    [(b"exif", "before", True), (b"exif", "after", False), (b"APP1", "before", False)],
)
def test_exif_in_a_text_of_a_png_turns_no_result_again(
    name: bytes, place: str, *, counts: bool
) -> None:
    block = exif(6).tobytes()
    coded = b"\n%s\n%8d\n%s\n" % (name, len(block), block.hex().encode())
    text = chunk(b"zTXt", b"Raw profile type " + name + b"\0\0" + zlib.compress(coded))
    content = png(noise(3), 2, 8, **{place: text})
    size = (WIDTH, HEIGHT) if counts else (HEIGHT, WIDTH)
    assert read_header(io.BytesIO(content)).size == size
    picture = decode(content)
    assert picture.pixels.shape[:2] == size
    assert decode(to_file(picture, ".png", None, keep_metadata=True)).pixels.shape[:2] == size


def test_texts_after_the_pixels_of_a_png_are_kept() -> None:
    text = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    block = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    for place in ("before", "after"):
        found = decode(png(noise(3), 2, 8, **{place: block})).metadata
        assert found[cv2.IMAGE_METADATA_XMP].rstrip(b"\0") == text


def test_exif_far_from_the_end_of_a_png_is_ignored() -> None:
    block = chunk(b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    content = png(noise(3), 2, 8, after=block + chunk(b"prVt", bytes(70_000)))
    assert read_header(io.BytesIO(content)).size == (HEIGHT, WIDTH)
    picture = decode(content)
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    read = Image.Exif()
    read.load(picture.metadata[cv2.IMAGE_METADATA_EXIF])
    assert read[ORIENTATION] == 6


def test_pixel_data_that_looks_like_exif_is_ignored() -> None:
    block = exif(6).tobytes().removeprefix(b"Exif\0\0")
    fake = struct.pack(">I", len(block)) + b"eXIf" + block + b"\0\0\0\0"
    content = png(noise(3), 2, 8, after=chunk(b"prVt", fake))
    assert read_header(io.BytesIO(content)).size == (HEIGHT, WIDTH)
    assert decode(content).pixels.shape == (HEIGHT, WIDTH, 3)


def test_only_the_ends_of_a_png_are_read_for_its_header() -> None:
    values = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    content = png(values, 2, 8, after=chunk(b"eXIf", exif(6).tobytes()[6:]))

    file = CountingFile(content)
    assert read_header(file).size == (900, 700)
    assert file.taken < 100_000 < len(content) // 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_an_avif_is_applied_once(orientation: int) -> None:
    source = Image.fromarray(smooth(3))
    content = pillow(source, "AVIF", quality=95, exif=exif(orientation))
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert read_header(io.BytesIO(content)).size == expected.shape[:2]
    assert cv2.PSNR(decode(content).pixels[:, :, ::-1].copy(), expected) > 35


# Damage.


def files() -> dict[str, bytes]:
    picture, clear = Image.fromarray(smooth(3)), Image.fromarray(smooth(4))
    made = {form: pillow(picture, form) for form in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP")}
    made |= {
        "progressive": pillow(picture, "JPEG", progressive=True),
        "grey JPEG": pillow(picture.convert("L"), "JPEG"),
        "CMYK": pillow(CMYK, "JPEG"),
        "WEBP lossless": pillow(clear, "WEBP", lossless=True),
        "deep PNG": png(DEEP, 6, 16),
        "deep TIFF": tiff(DEEP[:, :, :3], photometric="rgb", compression="zlib"),
        "TIFF": tiff(smooth(3), photometric="rgb", compression="zlib"),
        "deep PNM": f"P5 {WIDTH} {HEIGHT} 65535\n".encode() + DEEP_GREY.astype(">u2").tobytes(),
    }
    return made


FILES = files()


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=30, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_rejected_or_still_complete(name: str, share: float) -> None:
    content, whole = FILES[name], decode(FILES[name]).pixels
    try:
        found = decode(content[: int(share * len(content))]).pixels
    except ImageError:
        return
    assert np.array_equal(found, whole)


@pytest.mark.parametrize("name", sorted(FILES))
def test_damage_is_reported_only_by_the_error(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    content = FILES[name]
    for share in (0.3, 0.6, 0.95):
        with pytest.raises(DamagedImageError, match=DAMAGED):
            decode(content[: int(share * len(content))])
    assert capfd.readouterr() == ("", "")


def test_a_png_with_missing_pixels_and_valid_checksums_is_damaged() -> None:
    for values, kind, depth in ((noise(3), 2, 8), (DEEP, 6, 16), (noise(1), 0, 8)):
        for lost in (1, 40, 1000):
            with pytest.raises(DamagedImageError, match="a part of its pixels is missing"):
                decode(png(values, kind, depth, lost=lost))


@pytest.mark.parametrize("name", ["PNG", "deep PNG"])
def test_a_changed_byte_in_the_pixels_of_a_png_is_detected(name: str) -> None:
    content = bytearray(FILES[name])
    content[content.index(b"IDAT") + 200] ^= 1
    with pytest.raises(DamagedImageError, match="wrong checksum in IDAT"):
        decode(bytes(content))


def test_a_gif_with_data_left_in_its_stream_is_damaged() -> None:
    content = bytearray(FILES["GIF"])
    content[1201] ^= 1  # Pillow accepts it, with half of the pixels wrong
    with pytest.raises(DamagedImageError, match="its pixels cannot be decoded"):
        decode(bytes(content))


def test_a_gif_may_be_smaller_than_its_screen() -> None:
    content = bytearray(FILES["GIF"])
    content[6:10] = struct.pack("<HH", WIDTH + 5, HEIGHT + 2)
    pixels = decode(bytes(content)).pixels
    assert pixels.shape[:2] == (HEIGHT + 2, WIDTH + 5)
    inner = decode(FILES["GIF"]).pixels
    assert np.array_equal(pixels[:HEIGHT, :WIDTH, :3], inner[:, :, :3])


@pytest.mark.parametrize("name", ["JPEG", "progressive", "grey JPEG", "CMYK"])
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_jpeg_with_an_end_marker_is_damaged(name: str, share: float) -> None:
    content, whole = FILES[name], decode(FILES[name]).pixels
    first = content.rindex(b"\xff\xda") + 14
    end = first + int(share * (len(content) - 2 - first))
    try:
        found = decode(content[:end] + b"\xff\xd9").pixels
    except DamagedImageError:
        return
    assert np.array_equal(found, whole)


@pytest.mark.parametrize("name", ["JPEG", "progressive", "grey JPEG"])
def test_a_complete_jpeg_that_its_decoder_warns_about_gives_the_same_pixels(name: str) -> None:
    """Bytes before a marker cause a warning, and so the use of the other decoder."""
    content = FILES[name]
    assert content.endswith(b"\xff\xd9")
    odd = content[:-2] + b"\x11\x22\x33\x44" + content[-2:]
    assert np.array_equal(decode(odd).pixels, decode(content).pixels)


# Limits.


def bomb(kind: str) -> bytes:
    if kind == "png":
        content = bytearray(png(noise(1), 0, 8))
        content[16:24] = struct.pack(">II", 100_000, 100_000)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        return bytes(content)
    if kind == "webp":  # a canvas of the maximum size, and an animation without frames
        canvas = struct.pack("<I", 16_383)[:3] * 2
        body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + canvas
        return b"RIFF" + struct.pack("<I", len(body)) + body + FILES["WEBP"][12:]
    if kind == "strips":
        content = bytearray(tiff(smooth(3), photometric="rgb"))
        for tag in (273, 279):  # StripOffsets, StripByteCounts
            at = (
                content.index(struct.pack("<HH", tag, 4))
                if struct.pack("<HH", tag, 4) in content
                else content.index(struct.pack("<HH", tag, 3))
            )
            content[at + 2 : at + 12] = struct.pack("<HII", 4, 2**30, 8)
        return bytes(content)
    zeros = zlib.compress(bytes(100_000_000), 9)
    name = b"iCCP" if kind == "profile" else b"zTXt"
    part = chunk(name, b"name\0\0" + zeros)
    return png(noise(1), 0, 8, **{"after" if kind == "late text" else "before": part})


MEASURED = """
import io, resource, sys
from srcnn.images.decoding import decode, read_header
from srcnn.errors import ImageError
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
data = open(sys.argv[1], "rb").read()
before = peak()
try:
    size = read_header(io.BytesIO(data)).size
    if size.pixels < 10_000:
        decode(data)
    print("size", *size)
except ImageError as error:
    print("refused", error)
print("MiB", peak() - before)
"""


@pytest.mark.parametrize("kind", ["png", "webp", "strips", "profile", "text", "late text"])
def test_a_decompression_bomb_takes_no_memory(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "bomb"
    file.write_bytes(bomb(kind))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURED, str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    outcome, memory = done.stdout.splitlines()
    assert outcome.startswith(("size 100000 100000", "refused", f"size {HEIGHT} {WIDTH}"))
    assert int(memory.split()[1]) < 30


def test_a_changed_size_is_detected_before_decoding() -> None:
    with pytest.raises(SourceChangedError, match="run again"):
        decode(bomb("png"), Size(HEIGHT, WIDTH))
    assert decode(FILES["JPEG"], Size(HEIGHT, WIDTH)).pixels.shape == (HEIGHT, WIDTH, 3)


def stairs(*channels: int) -> Array:
    """Samples of 16 bits that deflate makes much smaller, unlike noise."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [4001 * (x // 8) + (1003 + 900 * at) * (y // 8) for at in range(*channels or (1,))]
    return np.squeeze(np.dstack(planes).astype(np.uint16))


@pytest.mark.parametrize("rows", [HEIGHT, 8], ids=["one strip", "strips"])
@pytest.mark.parametrize("layout", ["contig", "separate", "grey"])
def test_a_deep_tiff_that_compresses_well_is_complete(layout: str, rows: int) -> None:
    values = stairs(3) if layout != "grey" else stairs()
    options: dict[str, Any] = {"compression": "zlib", "rowsperstrip": rows}
    if layout == "grey":
        content, expected = tiff(values, **options), values
    else:
        stored = np.moveaxis(values, 2, 0).copy() if layout == "separate" else values
        content = tiff(stored, photometric="rgb", planarconfig=layout, **options)
        expected = values[:, :, ::-1]
    assert len(content) < values.nbytes / 2
    assert np.array_equal(decode(content).pixels, expected)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(DamagedImageError, match=DAMAGED):
            decode(content[: int(share * len(content))])


WIDER_THAN_OPENCV_READS = 2**20 + 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_pnm_may_be_wider_than_opencv_reads(depth: type) -> None:
    values = np.arange(WIDER_THAN_OPENCV_READS).astype(depth)[None]
    header = b"P5 %d 1 %d\n" % (WIDER_THAN_OPENCV_READS, np.iinfo(depth).max)
    content = header + values.astype(values.dtype.newbyteorder(">")).tobytes()
    assert np.array_equal(decode(content).pixels, values)


def test_what_is_too_wide_for_the_decoder_is_refused_with_the_limit() -> None:
    wide = np.zeros((1, WIDER_THAN_OPENCV_READS), np.uint16)
    with pytest.raises(UnsupportedImageError, match=r"more than 1,048,576 px in a side"):
        decode(tiff(wide))
