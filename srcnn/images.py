"""Image files by format: their names, and pictures written in them.

Reading is in `srcnn.decoding`.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from srcnn.errors import UnsupportedImageError
from srcnn.metadata import for_file
from srcnn.pixels import GREY, Pixels

Format = Literal["keep", "png", "jpg", "webp", "tiff"]

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
_DEEP = frozenset({"png", "tiff", "pnm"})  # these keep 16 bits
_WITH_ALPHA = frozenset({"png", "webp", "tiff"})
WITH_QUALITY = frozenset({"jpg", "webp"})
_DEFAULT_QUALITY = 95
_LOSSLESS_WEBP = 101


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


def encode(picture: Picture, extension: str, quality: int | None, *, keep_metadata: bool) -> bytes:
    """Encode a picture.

    Args:
        picture: what to write; 16 bits become 8 where the format has only 8.
        extension: of the file, with its dot.
        quality: 1 to 100 for JPEG and WebP; None for 95 and lossless.
        keep_metadata: write EXIF, ICC and XMP, where the format takes them (not TIFF, BMP, PNM).

    Raises:
        UnsupportedImageError: the format cannot hold the picture.
    """
    check_writable(f"x{extension}")
    kind = _FORMAT_OF[extension.lower()]
    pixels = _fit(picture.pixels, kind)
    settings = _settings(kind, quality)
    metadata = picture.metadata if keep_metadata else {}
    wanted = for_file(metadata, kind, grey=pixels.ndim == GREY)
    blobs = [np.frombuffer(blob, dtype=np.uint8) for blob in wanted.values()]
    # OpenCV writes grey as .pgm only, and colour as .ppm only; .pnm is either.
    name = ".pnm" if kind == "pnm" else EXTENSIONS[kind][0]
    try:
        done, content = cv2.imencodeWithMetadata(name, pixels, list(wanted), blobs, settings)
    except cv2.error as error:
        raise UnsupportedImageError(f"OpenCV cannot encode it as {kind}: {error.err}") from error
    if not done:
        raise UnsupportedImageError(f"OpenCV cannot encode it as {kind}")
    return bytes(content.tobytes())


def _settings(kind: str, quality: int | None) -> list[int]:
    if kind == "jpg":
        return [cv2.IMWRITE_JPEG_QUALITY, quality or _DEFAULT_QUALITY]
    if kind == "webp":
        return [cv2.IMWRITE_WEBP_QUALITY, quality or _LOSSLESS_WEBP]
    return []  # PNG's default strategy is six times as fast as any level that one could name


def _fit(pixels: Pixels, kind: str) -> Pixels:
    """What the format can hold of a picture, or an error; nothing is dropped silently."""
    if pixels.ndim > GREY and pixels.shape[2] > 3 and kind not in _WITH_ALPHA:  # noqa: PLR2004 - BGR
        raise UnsupportedImageError(
            f"it has an alpha channel, which {kind} cannot hold: use --format png, webp or tiff"
        )
    if pixels.dtype == np.uint16 and kind not in _DEEP:
        return np.rint(pixels / np.float32(257)).astype(np.uint8)
    return pixels
