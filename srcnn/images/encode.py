"""Pictures written as files.

OpenCV encodes; it does so without Python's lock and, measured, in the calling thread alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from srcnn.errors import UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images import alpha
from srcnn.images.alpha import is_opaque, strips
from srcnn.images.formats import (
    DEEP,
    DEFAULT_QUALITY,
    EXTENSIONS,
    WITH_ALPHA,
    Picture,
    check_size,
    check_writable,
    format_of,
)
from srcnn.images.icc import fits, to_srgb
from srcnn.images.metadata import WITH_METADATA, for_file
from srcnn.images.pixels import GREY, Pixels, has_alpha
from srcnn.images.tiff_tags import with_tags

_LOSSLESS_WEBP = 101
_AVIF_BITS = 10  # what all decoders read; 12 need a profile that most lack
# Bytes and time against OpenCV's default (filter Sub, run lengths), by benchmarks/png.py: of
# upscaled photographs 0.90 to 0.94 at 0.91 to 1.02; of 16 bits 0.98 at 1.0 to 1.2; of drawings
# 1.06 at 1.08. Filter Paeth: 0.81 to 0.89 (drawings 0.62), at 1.1 to 1.5 times the time; level 6,
# which other tools take: 0.79 to 0.89, at 7 to 9 times.
FAST_PNG = [
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
]


def prepare(
    picture: Picture,
    size: Size,
    extension: str,
    *,
    keep_metadata: bool,
    flatten: str | None = None,
) -> Picture:
    """Refuse what cannot be written, and drop what will not be, before inference is spent on it.

    Args:
        picture: as decoded; one that was prepared passes as it is.
        size: of the result.
        extension: of the output's file, with its dot.
        keep_metadata: as for `encode`.
        flatten: as for `encode`.

    Returns:
        The picture, without an alpha channel that says nothing and cannot be kept, and without
        metadata, in sRGB, where those are to be stripped.

    Raises:
        ImageTooLargeError: the format has no such size.
        UnsupportedImageError: the format cannot hold the picture.
    """
    kind, pixels = _writable(extension), picture.pixels
    if kind not in WITH_ALPHA and has_alpha(pixels):
        if is_opaque(pixels):
            pixels = alpha.without(pixels)
        elif not flatten:
            raise UnsupportedImageError(
                f"it has an alpha channel, which {kind} cannot hold: use --format png, "
                "or --flatten white for a white page behind it"
            )
    picture, pixels = _of_colours(replace(picture, pixels=pixels), kind)
    check_size(extension, size, _bytes_per_pixel(pixels, kind))
    if not keep_metadata or kind not in WITH_METADATA:
        return _in_srgb(replace(picture, pixels=pixels))
    for_file(picture.metadata, kind, size, grey=pixels.ndim == GREY)
    return replace(picture, pixels=pixels)


def encode(
    picture: Picture,
    extension: str,
    quality: int | None,
    *,
    keep_metadata: bool,
    flatten: str | None = None,
) -> bytes:
    """Encode a picture.

    Args:
        picture: what to write; 16 bits become 8 where the format has only 8, and 10 in AVIF.
        extension: of the file, with its dot.
        quality: 1 to 100 for JPEG, WebP and AVIF; None for 95, lossless, and 95. AVIF of 100 is
            lossless in 8 bits.
        keep_metadata: write EXIF, ICC and XMP, where the format takes them (not BMP, PNM). Where
            they are not written, colours of another profile become sRGB first.
        flatten: colour to put pictures with alpha on, for formats that hold none; those that do
            keep it. An alpha channel that is opaque everywhere is dropped there without it.

    Raises:
        UnsupportedImageError: the format cannot hold the picture.
        ImageTooLargeError: likewise, for its size.
        UsageError: the colour to flatten it on is none.
    """
    size = Size(*picture.pixels.shape[:2])
    picture = prepare(picture, size, extension, keep_metadata=keep_metadata, flatten=flatten)
    kind, pixels = _writable(extension), picture.pixels
    if kind not in WITH_ALPHA and has_alpha(pixels) and flatten:
        pixels = alpha.flatten(pixels, flatten)
    pixels = _in_depth(pixels, kind)
    metadata = for_file(picture.metadata, kind, size, grey=pixels.ndim == GREY)
    settings = _settings(kind, quality, pixels.dtype)
    if kind == "tiff":
        return with_tags(_written(kind, pixels, {}, settings), metadata, alpha=has_alpha(pixels))
    return _written(kind, pixels, metadata, settings)


def _of_colours(picture: Picture, kind: str) -> tuple[Picture, Pixels]:
    """A grey picture that is written as colours, in sRGB: a profile of greys cannot go along.

    Returns:
        The picture, without the profile and with grey converted where it has one of greys; its
        pixels.
    """
    pixels = picture.pixels
    profile = picture.metadata.get(cv2.IMAGE_METADATA_ICCP, b"")
    stays_grey = pixels.ndim == GREY and kind != "webp"
    if stays_grey or not fits(profile, grey=True) or not (picture.is_grey or pixels.ndim == GREY):
        return picture, pixels
    plane: Any = pixels if pixels.ndim == GREY else np.ascontiguousarray(pixels[:, :, 1])
    converted = to_srgb(plane, profile)
    if converted is None:
        note = "a profile of greys was dropped: 16 bits are not converted"
        return replace(picture, notes=(*picture.notes, note)), pixels
    if pixels.ndim > GREY:
        in_colours: Any = np.dstack([converted] * 3 + [pixels[:, :, 3:]])
        converted = in_colours
    metadata = {k: v for k, v in picture.metadata.items() if k != cv2.IMAGE_METADATA_ICCP}
    return replace(picture, pixels=converted, metadata=metadata), converted


def _bytes_per_pixel(pixels: Pixels, kind: str) -> int:
    channels = 1 if pixels.ndim == GREY else pixels.shape[2] if kind in WITH_ALPHA else 3
    return channels * (pixels.itemsize if kind in DEEP else 1)


def _in_srgb(picture: Picture) -> Picture:
    """A picture without metadata, in the colours that pixels without a profile stand for.

    16 bits keep their profile instead, if it is not sRGB: Pillow converts 8 bits only, and no
    colour should change because a note was taken off.
    """
    profile = picture.metadata.get(cv2.IMAGE_METADATA_ICCP, b"")
    pixels = to_srgb(picture.pixels, profile)
    if pixels is None:
        return replace(picture, metadata={cv2.IMAGE_METADATA_ICCP: profile})
    return replace(picture, pixels=pixels, metadata={})


def _writable(extension: str) -> str:
    """The format, if OpenCV was built with it."""
    check_writable(f"x{extension}")
    kind = format_of(f"x{extension}")
    if kind is None or not cv2.haveImageWriter(EXTENSIONS[kind][0]):
        raise UnsupportedImageError(
            f"the installed OpenCV cannot write {extension}: use --format png, or the wheels of "
            "opencv-python-headless"
        )
    return kind


def _settings(kind: str, quality: int | None, depth: np.dtype[Any]) -> list[int]:
    if kind == "png":
        return FAST_PNG
    if kind == "jpg":
        return [cv2.IMWRITE_JPEG_QUALITY, quality or DEFAULT_QUALITY[kind]]
    if kind == "webp":
        return [cv2.IMWRITE_WEBP_QUALITY, quality or _LOSSLESS_WEBP]
    if kind == "avif":
        bits = _AVIF_BITS if depth == np.uint16 else 8
        return [
            *(cv2.IMWRITE_AVIF_QUALITY, quality or DEFAULT_QUALITY[kind]),
            *(cv2.IMWRITE_AVIF_DEPTH, bits),
        ]
    return []


def _in_depth(pixels: Pixels, kind: str) -> Pixels:
    """Samples as the format has them."""
    if pixels.dtype != np.uint16 or kind in DEEP:
        return pixels
    white, depth = (2**_AVIF_BITS - 1, np.uint16) if kind == "avif" else (255, np.uint8)
    result: Pixels = np.empty(pixels.shape, dtype=depth)
    for rows in strips(pixels):
        result[rows] = np.rint(pixels[rows].astype(np.float32) * np.float32(white / 65_535))
    return result


def _written(kind: str, pixels: Pixels, metadata: dict[int, bytes], settings: list[int]) -> bytes:
    blobs = [np.frombuffer(blob, dtype=np.uint8) for blob in metadata.values()]
    # OpenCV writes grey as .pgm only, and colour as .ppm only; .pnm is either.
    name = ".pnm" if kind == "pnm" else EXTENSIONS[kind][0]
    try:
        done, content = cv2.imencodeWithMetadata(name, pixels, list(metadata), blobs, settings)
    except cv2.error as error:
        raise UnsupportedImageError(f"OpenCV cannot encode it as {kind}: {error.err}") from error
    if not done:
        raise UnsupportedImageError(f"OpenCV cannot encode it as {kind}")
    return bytes(content.tobytes())
