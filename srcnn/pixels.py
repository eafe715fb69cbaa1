"""Pictures as OpenCV holds them, and planes as the network takes them.

A picture is (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16, BGR(A). The planes
are (H, W, 3) float32, BGR, 0..255 whatever the depth, so that both depths go
through the same network.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.card import Rounding
from srcnn.errors import UnsupportedImageError
from srcnn.geometry import Size

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Planes: TypeAlias = npt.NDArray[np.float32]

GREY = 2
# Grey levels of a depth for each of the 0..255 that the network knows: 65535 / 255 = 257.
_LEVELS = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0}


def check_picture(image: object) -> None:
    """Refuse arrays that are no picture.

    Raises:
        UnsupportedImageError: the shape or the type is not one of those above.
    """
    if not isinstance(image, np.ndarray):  # cv2.imread gives None for what it cannot read
        raise UnsupportedImageError(f"expected an array of pixels, got {type(image).__name__}")
    shape_fits = image.ndim == GREY or (image.ndim == GREY + 1 and image.shape[2] in (3, 4))
    if not shape_fits or 0 in image.shape:
        raise UnsupportedImageError(
            f"expected pixels (H, W), (H, W, 3) or (H, W, 4), got {image.shape}"
        )
    if image.dtype not in _LEVELS:
        raise UnsupportedImageError(f"expected uint8 or uint16 pixels, got {image.dtype}")


def to_planes(image: Pixels) -> tuple[Planes, Planes | None]:
    """The three colour planes, and the alpha plane where there is one.

    Args:
        image: a picture.

    Returns:
        (H, W, 3) float32 BGR 0..255, grey repeated three times; (H, W) float32 0..255 or None.
    """
    scaled = image.astype(np.float32) / np.float32(_LEVELS[image.dtype])
    if scaled.ndim == GREY:
        return np.repeat(scaled[:, :, None], 3, axis=2), None
    alpha = np.ascontiguousarray(scaled[:, :, 3]) if scaled.shape[2] == 4 else None  # noqa: PLR2004 - BGRA
    return np.ascontiguousarray(scaled[:, :, :3]), alpha


def to_integers(planes: Planes, depth: np.dtype[Any], rounding: Rounding) -> Pixels:
    """Clip to the range of a depth and round.

    Args:
        planes: float32 0..255, of any shape.
        depth: uint8 or uint16.
        rounding: `truncate` is what the tutorial does; it is half a level dark on average.
    """
    levels = _LEVELS[depth]
    scaled = np.clip(planes * np.float32(levels), 0, 255 * levels)
    if rounding == "nearest":
        np.rint(scaled, out=scaled)
    integers: Pixels = scaled.astype(depth)
    return integers


def grey_of(colour: Pixels) -> Pixels:
    """One plane from three that differ by the network's own small tints, (H, W).

    The mean with the weights of luma would favour green; the three planes saw the same
    grey, so that they weigh the same.
    """
    mean = colour.astype(np.float32).mean(axis=2)
    grey: Pixels = np.rint(mean).astype(colour.dtype)
    return grey


def upsample(planes: Planes, size: Size) -> Planes:
    """Cubic upsampling, as the graph's `Resize` computes it.

    OpenCV's float cubic has the same kernel (a = -0.75), the same half-pixel coordinates and
    the same clamped border, and takes its step from the sizes; the factor fed to a graph is
    the same quotient (see `geometry.resize_factor`).

    Args:
        planes: (H, W) or (H, W, C) float32.
        size: of the result.
    """
    result = cv2.resize(planes, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(result, dtype=np.float32)
