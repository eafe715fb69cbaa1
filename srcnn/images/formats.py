"""Image files by format: their names, what they can hold, and a picture that was decoded.

Reading is in `srcnn.images.decoding`, writing in `srcnn.images.encode`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from srcnn.errors import ImageTooLargeError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.pixels import Pixels

Format = Literal["keep", "png", "jpg", "webp", "tiff", "avif"]

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "png": (".png",),
    "jpg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "webp": (".webp",),
    "tiff": (".tiff", ".tif"),
    "bmp": (".bmp", ".dib"),
    "pnm": (".ppm", ".pgm", ".pnm"),
    "gif": (".gif",),
    "avif": (".avif",),
}
_FORMAT_OF = {extension: name for name, all_ in EXTENSIONS.items() for extension in all_}
DEEP = frozenset({"png", "tiff", "pnm"})  # these keep 16 bits; AVIF keeps 10 of them
WITH_ALPHA = frozenset({"png", "webp", "tiff", "avif"})
WITH_QUALITY = frozenset({"jpg", "webp", "avif"})
DEFAULT_QUALITY = {"jpg": 95, "avif": 95}  # WebP is lossless, unless one is named
# Pixels of a side: libpng's and libjpeg-turbo's own bounds, WebP's 14 bits, and what libavif
# reads unless it is told otherwise; it would write twice as many, for nobody to see.
_MAX_SIDE_PX = {"png": 1_000_000, "jpg": 65_500, "webp": 16_383, "avif": 32_768}
_MAX_PIXELS = {"avif": 2**28}  # likewise libavif's
# Of all samples: OpenCV counts bytes of BMP and PNM in 31 bits; TIFF counts in 32, and LZW may
# add a tenth to what does not compress.
_MAX_BYTES = {"bmp": 2_147_000_000, "pnm": 2_147_000_000, "tiff": 3_900_000_000}


@dataclass(frozen=True)
class Picture:
    """A decoded file.

    Attributes:
        pixels: upright, BGR(A) or grey.
        metadata: OpenCV's metadata type to bytes: EXIF (orientation reset), ICC, XMP.
        notes: what was done to its colours, for the report.
        is_grey: it has no colours; with alpha it is BGRA of equal planes.
    """

    pixels: Pixels
    metadata: dict[int, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_grey: bool = False


def format_of(key: str) -> str | None:
    """The format that a file's extension stands for; None where it is no image of ours."""
    return _FORMAT_OF.get(posixpath.splitext(key)[1].lower())


def check_writable(key: str) -> None:
    """Refuse outputs in formats that are only read.

    Args:
        key: of the output.

    Raises:
        UnsupportedImageError: it is a GIF.
    """
    if format_of(key) == "gif":
        raise UnsupportedImageError(
            "a GIF holds 256 colours, too few for upscaled pixels: use --format png, webp or tiff"
        )


def check_size(output: str, size: Size, bytes_per_pixel: int = 1) -> None:
    """Refuse a size that the format of an output cannot hold.

    Args:
        output: key or extension, with its dot.
        size: of the result.
        bytes_per_pixel: channels times bytes of each; 1 where only the header was read, so that
            what passes may still be refused.

    Raises:
        ImageTooLargeError: the text names the limit, and formats that hold it.
    """
    kind = format_of(f"x{posixpath.splitext(output)[1] or output}") or ""
    limit = _limit(kind, size, bytes_per_pixel)
    if limit:
        others = [name for name in get_args(Format)[1:] if not _limit(name, size, bytes_per_pixel)]
        advice = (
            f"use --format {_either(others)}, or a smaller scale"
            if others
            else ("give it a smaller scale")
        )
        raise ImageTooLargeError(
            f"the result would have {size} px, and {kind} holds at most {limit}: {advice}"
        )


def _limit(kind: str, size: Size, bytes_per_pixel: int) -> str:
    """The limit of a format that a size exceeds, in words; empty where it fits."""
    if max(size) > _MAX_SIDE_PX.get(kind, max(size)):
        return f"{_MAX_SIDE_PX[kind]} px a side"
    if size.pixels > _MAX_PIXELS.get(kind, size.pixels):
        return f"{_MAX_PIXELS[kind] / 1e6:.0f} megapixels"
    if size.pixels * bytes_per_pixel > _MAX_BYTES.get(kind, size.pixels * bytes_per_pixel):
        return f"{_MAX_BYTES[kind] / 1e9:.1f} gigabytes of pixels"
    return ""


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
