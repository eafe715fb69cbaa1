"""Encode prepared pictures as files.

OpenCV encodes; it does so without Python's lock and, measured, in the calling thread alone. What
it does not write, or not as well, other modules do.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from srcnn.errors import UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images import alpha
from srcnn.images.avif_encoding import encode_full_chroma
from srcnn.images.chroma import Chroma, choose_chroma
from srcnn.images.formats import DEEP, DEFAULT_QUALITY, EXTENSIONS, WITHOUT_EXTRA
from srcnn.images.hdr import hdr_chunks, with_hdr
from srcnn.images.jpeg_metadata import with_segments
from srcnn.images.jxl_encoding import encode_jxl
from srcnn.images.picture import Traits
from srcnn.images.pixels import GREY, Pixels, has_alpha, strips
from srcnn.images.png_chunks import insert_chunks
from srcnn.images.prepare import PreparedImage
from srcnn.images.resolution import with_resolution
from srcnn.images.texts_and_comments import to_chunks, to_comments
from srcnn.images.tiff_metadata import with_tags

_LOSSLESS_WEBP, _LOSSLESS_AVIF = 101, 100
_SAMPLING: dict[Chroma, int] = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
}
_XMP = int(cv2.IMAGE_METADATA_XMP)
_AVIF_BITS = 10  # what all decoders read; 12 need a profile that most lack
# Bytes and time against OpenCV's default (filter Sub, run lengths), by benchmarks/png.py: of
# upscaled photographs 0.90 to 0.94 at 0.91 to 1.02; of 16 bits 0.98 at 1.0 to 1.2; of drawings
# 1.06 at 1.08. Filter Paeth: 0.81 to 0.89 (drawings 0.62), at 1.1 to 1.5 times the time; level 6,
# which other tools take: 0.79 to 0.89, at 7 to 9 times.
FAST_PNG = [
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
]


def encode(image: PreparedImage, quality: int | None) -> bytes:
    """Encode a prepared picture.

    Args:
        image: 16 bits become 8 where the format has only 8, and 10 in AVIF.
        quality: 1 to 100 for JPEG, WebP, AVIF and JPEG XL; None for 95, lossless, 95 and 90. AVIF
            of 100 is lossless in 8 bits, JPEG XL of 100 in 16 too.

    Returns:
        The file's content.

    Raises:
        UnsupportedImageError: no encoder of its format takes it.
    """
    content = _encode(image, quality or DEFAULT_QUALITY.get(image.format, _LOSSLESS_WEBP))
    return with_resolution(content, image.format, image.traits.resolution)


def _encode(image: PreparedImage, quality: int) -> bytes:
    kind, pixels = image.format, image.pixels
    if image.background is not None:
        pixels = alpha.flatten(pixels, image.background)
    pixels = _convert_depth(pixels, kind)
    if kind == "jxl":
        return encode_jxl(pixels, quality, image.metadata, image.traits.hdr)
    chroma = choose_chroma(image.traits.chroma, quality)
    if kind == "avif" and chroma == "4:4:4" and _is_lossy_in_8_bits(pixels, quality):
        return with_hdr(encode_full_chroma(pixels, quality, image.metadata), image.traits.hdr)
    settings = _settings(kind, quality, chroma, pixels.dtype)
    if kind == "jpg":  # OpenCV writes one segment for each
        content = _encode_pixels(kind, pixels, {}, settings)
        return with_segments(content, image.metadata, to_comments(image.traits.texts)[0])
    if kind == "tiff":  # OpenCV writes no tags of ours
        content = _encode_pixels(kind, pixels, {}, settings)
        resolution = image.traits.resolution
        return with_tags(content, image.metadata, alpha=has_alpha(pixels), resolution=resolution)
    content = _encode_pixels(kind, pixels, image.metadata, settings)
    return _add_chunks(kind, content, image.traits)


def _add_chunks(kind: str, content: bytes, traits: Traits) -> bytes:
    if kind == "png":
        return insert_chunks(content, [*hdr_chunks(traits.hdr), *to_chunks(traits.texts)])
    return with_hdr(content, traits.hdr) if kind == "avif" else content


def _is_lossy_in_8_bits(pixels: Pixels, quality: int) -> bool:
    """Whether a picture has colours of 8 bits that lose something; grey has no chroma."""
    return pixels.ndim > GREY and pixels.dtype == np.uint8 and quality < _LOSSLESS_AVIF


def _settings(kind: str, quality: int, chroma: Chroma, depth: np.dtype[Any]) -> list[int]:
    if kind == "png":
        return FAST_PNG
    if kind == "jpg":
        sampling = _SAMPLING[chroma]
        return [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    if kind == "webp":
        return [cv2.IMWRITE_WEBP_QUALITY, quality]
    if kind == "avif":
        bits = _AVIF_BITS if depth == np.uint16 else 8
        return [cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_DEPTH, bits]
    return []


def _convert_depth(pixels: Pixels, kind: str) -> Pixels:
    """Return samples in the depth that the format has."""
    if pixels.dtype != np.uint16 or kind in DEEP:
        return pixels
    white, depth = (2**_AVIF_BITS - 1, np.uint16) if kind == "avif" else (255, np.uint8)
    result: Pixels = np.empty(pixels.shape, dtype=depth)
    for rows in strips(pixels):
        result[rows] = np.rint(pixels[rows].astype(np.float32) * np.float32(white / 65_535))
    return result


def _encode_pixels(
    kind: str, pixels: Pixels, metadata: dict[int, bytes], settings: list[int]
) -> bytes:
    # OpenCV takes a text for a PNG up to its zero, and what is behind it in memory if it has none.
    end = b"\0" if kind == "png" else b""
    blobs = [np.frombuffer(blob + end * (key == _XMP), np.uint8) for key, blob in metadata.items()]
    # OpenCV writes grey as .pgm only, and colour as .ppm only; .pnm is either.
    name = ".pnm" if kind == "pnm" else EXTENSIONS[kind][0]
    try:
        done, content = cv2.imencodeWithMetadata(name, pixels, list(metadata), blobs, settings)
    except cv2.error as error:
        raise _refuse(kind, pixels) from error
    if not done:
        raise _refuse(kind, pixels)
    return bytes(content.tobytes())


def _refuse(kind: str, pixels: Pixels) -> UnsupportedImageError:
    size, channels = Size(*pixels.shape[:2]), pixels.shape[2] if pixels.ndim > GREY else 1
    others = " or ".join(name for name in WITHOUT_EXTRA if name != kind)
    return UnsupportedImageError(
        f"the result of {size} px, {channels} x {pixels.itemsize * 8} bits, cannot be encoded as "
        f"{kind}: use --format {others}"
    )
