"""Pixel arrays of pictures, in OpenCV's channel order.

A picture is (H, W) grey, (H, W, 2) grey and alpha, (H, W, 3) BGR or (H, W, 4) BGRA; uint8
or uint16. Alpha is straight: colours are not multiplied by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.errors import UnsupportedImageError
from srcnn.model.pixel_format import Rounding

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Planes: TypeAlias = npt.NDArray[np.float32]

GREY = 2  # number of axes of a grey picture
COLOURS = 3  # number of channels
_CHANNELS = (2, 3, 4)
STRIP_PIXELS = 1_000_000  # per strip; each needs up to 60 bytes of working memory
# Levels of a depth per level of the network's range 0..255: 65535 / 255 = 257.
LEVELS = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0}


def check_picture(image: object) -> None:
    """Check that a value is a picture.

    Raises:
        UnsupportedImageError: its shape or type is not one of those above.
    """
    if not isinstance(image, np.ndarray):  # cv2.imread returns None on failure
        raise UnsupportedImageError(f"expected an array of pixels, got {type(image).__name__}")
    has_channels = image.ndim == GREY + 1 and image.shape[2] in _CHANNELS
    if not (image.ndim == GREY or has_channels) or 0 in image.shape:
        raise UnsupportedImageError(
            f"expected pixels (H, W), (H, W, 2), (H, W, 3) or (H, W, 4), got {image.shape}"
        )
    if image.dtype not in LEVELS:
        raise UnsupportedImageError(f"expected uint8 or uint16 pixels, got {image.dtype}")


def has_alpha(image: Pixels) -> bool:
    """Whether a picture's last channel is its alpha."""
    return image.ndim > GREY and image.shape[2] != COLOURS


def split_alpha(image: Pixels) -> tuple[Pixels, Pixels | None]:
    """Split a picture into views of its colours and its alpha.

    Args:
        image: a picture.

    Returns:
        (H, W, 3) BGR or (H, W, 1) grey; (H, W, 1) alpha, or None.
    """
    if image.ndim == GREY:
        return image[:, :, None], None
    if has_alpha(image):
        return image[:, :, :-1], image[:, :, -1:]
    return image, None


def strips(image: Pixels) -> Iterator[slice]:
    """Yield slices of rows that cover a picture, to limit the memory of temporary arrays."""
    rows = max(1, STRIP_PIXELS // image.shape[1])
    return (slice(start, start + rows) for start in range(0, image.shape[0], rows))


def scale_samples(pixels: Any, white: int, depth: type[np.uint8 | np.uint16]) -> Pixels:
    """Scale samples from 0..`white` to the range of a depth, rounded; larger ones become white.

    Args:
        pixels: of any integer type.
        white: the value of white.
        depth: of the result.
    """
    top = np.iinfo(depth).max
    result: Pixels = np.empty(pixels.shape, depth)
    for rows in strips(pixels):
        if white == top:
            result[rows] = pixels[rows]
        else:
            scaled = pixels[rows] * np.float64(top / white)
            result[rows] = np.rint(np.minimum(scaled, top))
    return result


def to_integers(planes: Planes, depth: np.dtype[Any], rounding: Rounding) -> Pixels:
    """Clip to the range of a depth, and round.

    Args:
        planes: float32 0..255, of any shape.
        depth: uint8 or uint16.
        rounding: `truncate` is what the tutorial does; the result is half a level too dark on
            average.
    """
    levels = LEVELS[depth]
    scaled = np.clip(planes * np.float32(levels), 0, 255 * levels)
    if rounding == "nearest":
        np.rint(scaled, out=scaled)
    integers: Pixels = scaled.astype(depth)
    return integers
