"""Shrink images as the benchmarks of the field do: MATLAB's `imresize`, bicubic.

Along one axis, pixel x of the result is at (x + 1/2) * pixels_in / pixels_out - 1/2 of the
image. It is a weighted sum of the pixels there; the weights are the cubic kernel of Keys with
a = -0.5, widened by pixels_in / pixels_out against aliasing. Weights sum to 1, and the border
is repeated. Rows are shrunk first; after each pass the values are rounded to 8 bits, halves up.
This reproduces the low-resolution files of Set5 and Set14 that the field compares with, to the
last bit. (Current MATLAB mirrors the border instead, which changes only the outermost pixels.)
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.inference.engine.bicubic import Float64, compute_positions, cubic

Picture: TypeAlias = npt.NDArray[np.uint8]
Shrink: TypeAlias = Callable[[Picture, Size], Picture]

CUBIC_A = -0.5
_TIE = 1e-9  # rounding error of sums that are exactly half a level


class Kernel(NamedTuple):
    """A kernel that shrinks: it is widened by the factor, against aliasing.

    Attributes:
        weigh: computes the weight at a distance, in pixels of the result.
        reach: to each side, in pixels of the result.
    """

    weigh: Callable[[npt.NDArray[Any]], Float64]
    reach: float


def _box(distance: npt.NDArray[Any]) -> Float64:
    return np.asarray((distance >= -0.5) & (distance < 0.5), np.float64)  # noqa: PLR2004 - half a pixel


def _triangle(distance: npt.NDArray[Any]) -> Float64:
    return np.asarray(np.maximum(1 - np.abs(distance), 0), np.float64)


def _lanczos(distance: npt.NDArray[Any]) -> Float64:
    inside = np.abs(distance) < _LANCZOS_LOBES
    return np.asarray(np.sinc(distance) * np.sinc(distance / _LANCZOS_LOBES) * inside, np.float64)


_LANCZOS_LOBES = 3
BICUBIC = Kernel(lambda distance: cubic(distance, CUBIC_A), 2)
BOX = Kernel(_box, 0.5)
BILINEAR = Kernel(_triangle, 1)
LANCZOS = Kernel(_lanczos, _LANCZOS_LOBES)


def shrink_taps(pixels_in: int, pixels_out: int, kernel: Kernel = BICUBIC) -> Float64:
    """Make the matrix that shrinks one axis.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after, not larger.
        kernel: the others than `BICUBIC` are those of Pillow.

    Returns:
        (pixels_out, pixels_in) float64; each row sums to 1.

    Raises:
        ValueError: `pixels_out` is 0, or larger than `pixels_in`.
    """
    if not 0 < pixels_out <= pixels_in:
        raise ValueError(f"cannot shrink {pixels_in} pixels to {pixels_out}")
    outputs = np.arange(pixels_out)
    ratio = pixels_in / pixels_out
    position = compute_positions(pixels_in, pixels_out, outputs)
    reach = int(np.ceil(kernel.reach * ratio))
    sources = np.floor(position).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
    weights = kernel.weigh((position[:, None] - sources) / ratio)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((pixels_out, pixels_in))
    np.add.at(matrix, (outputs[:, None], np.clip(sources, 0, pixels_in - 1)), weights)
    return matrix


def shrink(image: npt.NDArray[np.uint8], size: Size) -> npt.NDArray[np.uint8]:
    """Shrink an image.

    Args:
        image: (H, W) or (H, W, 3) uint8, channels in any order.
        size: of the result, not larger than the image.

    Returns:
        An array of the same type, of `size`.

    Raises:
        ValueError: a side of `size` is 0, or larger than that of the image.
    """
    for axis, pixels in enumerate(size):
        taps = shrink_taps(image.shape[axis], pixels)
        values = np.tensordot(taps, image.astype(np.float64), axes=(1, axis))
        image = _round_to_bytes(np.moveaxis(values, 0, axis))
    return image


def _round_to_bytes(values: Float64) -> npt.NDArray[np.uint8]:
    return np.floor(values + (0.5 + _TIE)).clip(0, 255).astype(np.uint8)


def degrade(image: Picture, factor: float, shrink_by: Shrink = shrink) -> tuple[Picture, Picture]:
    """Crop an image to a size that the factor can produce, and shrink it by the factor.

    Args:
        image: (H, W, 3) uint8 BGR, or (H, W).
        factor: at least 1.
        shrink_by: shrinks the image.

    Returns:
        The upper left round(h * factor) x round(w * factor) pixels of the image, and the same
        shrunk to h x w, where h is floor(H / factor) and w is floor(W / factor).
    """
    sharp, low = choose_sizes(image, factor)
    cropped = image[: sharp.height, : sharp.width]
    return cropped, shrink_by(cropped, low)


def choose_sizes(image: Picture, factor: float) -> tuple[Size, Size]:
    """Return the size that an image is cropped to, and the size that it is shrunk to."""
    exact = Fraction(str(factor))  # the decimal as written: 33 / 1.1 is 30
    low = Size(*(int(length / exact) for length in image.shape[:2]))
    return Size(*(round(length * exact) for length in low)), low
