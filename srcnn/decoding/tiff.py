"""TIFF of 16 bits, by OpenCV, which hands on its samples as they stand.

TIFF 6.0: what they mean is said by tags.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import ImageFile

from srcnn.decoding import opencv
from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.pixels import GREY

_BITS, _PHOTOMETRIC, _PLANAR, _EXTRA, _FORMAT = 258, 262, 284, 338, 339
_WHITE_IS_ZERO, _SEPARATE, _UNSIGNED, _PREMULTIPLIED = 0, 2, 1, 1
_WHITE = 65_535
_DEEP = 16  # bits


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether its samples are of more than eight bits."""
    return max(_numbers(image, _BITS, 1)) > 8  # noqa: PLR2004 - bits


def deep_pixels_of(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode 16 bits: grey, BGR or BGRA, the colours not multiplied with alpha.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: its samples are not read by OpenCV, or are no such numbers.
    """
    _check(image)
    pixels = opencv.pixels_of(data)
    if pixels.dtype != np.uint16:
        raise DamagedImageError(f"its header says 16 bits, its pixels are {pixels.dtype}")
    if _numbers(image, _PHOTOMETRIC, 1)[0] == _WHITE_IS_ZERO:
        return _WHITE - pixels
    if pixels.ndim > GREY and pixels.shape[2] > 3:  # noqa: PLR2004 - BGR
        if not image.has_transparency_data:  # a fourth sample of no known meaning
            return np.ascontiguousarray(pixels[:, :, :3])
        if _numbers(image, _EXTRA, 0)[0] == _PREMULTIPLIED:
            return _divided(pixels)
    return pixels


def _check(image: ImageFile.ImageFile) -> None:
    bits, kind = set(_numbers(image, _BITS, 1)), set(_numbers(image, _FORMAT, _UNSIGNED))
    if bits != {_DEEP} or kind != {_UNSIGNED}:
        raise UnsupportedImageError(
            f"its samples are numbers of {max(bits)} bits, of TIFF's format {max(kind)}; expected "
            "whole ones of 8 or 16 bits without a sign: convert it first"
        )
    if _numbers(image, _PLANAR, 1)[0] == _SEPARATE and image.mode != "I;16":
        raise UnsupportedImageError(
            "16 bits in a plane for each colour are not read: write it with interleaved colours"
        )
    if image.mode not in ("I;16", "I;16B", "I;16L", "RGB", "RGBA"):
        raise UnsupportedImageError(f"16 bits of the kind {image.mode}: convert it first")


def _numbers(image: ImageFile.ImageFile, tag: int, default: int) -> tuple[int, ...]:
    """The values of a tag; damaged ones are the default."""
    values: Any = getattr(image, "tag_v2", {}).get(tag, default)
    values = values if isinstance(values, tuple) and values else (values,)
    return tuple(value if isinstance(value, int) else default for value in values)


def _divided(pixels: Any) -> Any:
    """Colours that were multiplied with their alpha, as they were; TIFF 6.0, section 18."""
    alpha = pixels[:, :, 3:].astype(np.float32)
    colours = pixels[:, :, :3] * np.float32(_WHITE) / np.maximum(alpha, 1)
    whole = np.rint(np.minimum(colours, _WHITE)).astype(np.uint16)
    return np.concatenate([whole, pixels[:, :, 3:]], axis=2)
