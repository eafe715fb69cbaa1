"""Image formats: their extensions, abilities and limits.

Reading is in `srcnn.images.decoding`, writing in `srcnn.images.encode`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Literal

from srcnn.errors import ImageTooLargeError, UnsupportedImageError
from srcnn.geometry import Size

Format = Literal["keep", "png", "jpg", "webp", "tiff", "avif", "jxl"]

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "png": (".png", ".apng"),
    "jpg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "webp": (".webp",),
    "tiff": (".tiff", ".tif"),
    "bmp": (".bmp", ".dib"),
    "pnm": (".ppm", ".pgm", ".pnm"),
    "gif": (".gif",),
    "avif": (".avif",),
    "heic": (".heic", ".heif", ".hif"),
    "jxl": (".jxl",),
}
WITHOUT_EXTRA: tuple[Format, ...] = ("png", "jpg", "webp", "tiff", "avif")  # to advise
JXL_MODULES = ("OpenImageIO", "brotli")  # that read and write it, of the extra `formats`
_FORMAT_OF = {extension: name for name, all_ in EXTENSIONS.items() for extension in all_}
DEEP = frozenset({"png", "tiff", "pnm", "jxl"})  # formats that keep 16 bits; AVIF keeps 10 of them
WITH_ALPHA = frozenset({"png", "webp", "tiff", "avif", "jxl"})
WITH_QUALITY = frozenset({"jpg", "webp", "avif", "jxl"})
DEFAULT_QUALITY = {"jpg": 95, "avif": 95, "jxl": 90}  # WebP is lossless unless a quality is given
# Pixels per side: the limits of libpng and libjpeg-turbo, WebP's 14 bits, and libavif's default
# limit for reading; it would write twice as many, which most readers would reject. Of JPEG XL,
# those of level 5 (ISO/IEC 18181-1, annex M), which every reader takes.
_MAX_SIDE_PX = {"png": 1_000_000, "jpg": 65_500, "webp": 16_383, "avif": 32_768, "jxl": 262_144}
_MAX_PIXELS = {"avif": 2**28}  # libavif's default limit for reading
# Bytes of all samples: OpenCV uses 31 bits for the size of BMP and PNM; TIFF uses 32, and LZW may
# enlarge incompressible data by a tenth.
_MAX_BYTES = {"bmp": 2_147_000_000, "pnm": 2_147_000_000, "tiff": 3_900_000_000}


def detect_format(key: str) -> str | None:
    """Return the format for a file's extension; None if it is not a supported image."""
    return _FORMAT_OF.get(posixpath.splitext(key)[1].lower())


def check_writable(key: str) -> None:
    """Check that the format of an output can be written.

    Args:
        key: of the output.

    Raises:
        UnsupportedImageError: it is a GIF or a HEIC, which can only be read.
    """
    if detect_format(key) == "gif":
        raise UnsupportedImageError(
            "a GIF has 256 colours, too few for upscaled pixels: use --format png, webp or tiff"
        )
    if detect_format(key) == "heic":
        raise UnsupportedImageError("HEIC is read, but not written: use --format jpg, avif or png")


def check_size(output: str, size: Size, bytes_per_pixel: int = 1) -> None:
    """Check that the format of an output supports a size.

    Args:
        output: key, or extension with its dot.
        size: of the result.
        bytes_per_pixel: channels times bytes per channel; 1 if only the header was read, so a
            size that passes may still be rejected later.

    Raises:
        ImageTooLargeError: the message names the limit, and formats that support the size.
    """
    kind = detect_format(f"x{posixpath.splitext(output)[1] or output}") or ""
    limit = _find_exceeded_limit(kind, size, bytes_per_pixel)
    if limit:
        others = [
            name for name in WITHOUT_EXTRA if not _find_exceeded_limit(name, size, bytes_per_pixel)
        ]
        advice = (
            f"use --format {_join_with_or(others)}, or a smaller scale"
            if others
            else "use a smaller scale"
        )
        raise ImageTooLargeError(
            f"the result would be {size} px, and {kind} supports at most {limit}: {advice}"
        )


def _find_exceeded_limit(kind: str, size: Size, bytes_per_pixel: int) -> str:
    """Describe the limit of a format that a size exceeds; empty if the size is supported."""
    if max(size) > _MAX_SIDE_PX.get(kind, max(size)):
        return f"{_MAX_SIDE_PX[kind]} px per side"
    if size.pixels > _MAX_PIXELS.get(kind, size.pixels):
        return f"{_MAX_PIXELS[kind] / 1e6:.0f} megapixels"
    if size.pixels * bytes_per_pixel > _MAX_BYTES.get(kind, size.pixels * bytes_per_pixel):
        return f"{_MAX_BYTES[kind] / 1e9:.1f} gigabytes of pixels"
    return ""


def _join_with_or(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
