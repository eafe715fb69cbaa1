"""Positions of output pixels in the input, and the weights of the input pixels for each.

Along one axis, output pixel x is at (x + 1/2) * pixels_in / pixels_out - 1/2 of the input. It is
a weighted sum of four input pixels; the weights are the cubic kernel of Keys with a = -0.75, and
the border is repeated. In ONNX `Resize` this is `pytorch_half_pixel`, `cubic_coeff_a`, and no
`exclude_outside`. Here the weights are computed in float64 from the exact sizes, for any range
of output pixels, so that each tile has the same weights as the whole image.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

CUBIC_A = -0.75
_TAPS = np.arange(-1, 3)  # the four input pixels, relative to the one at or before the position

Float64 = npt.NDArray[np.float64]


def cubic(distance: npt.NDArray[Any], a: float = CUBIC_A) -> Float64:
    """Evaluate the cubic convolution kernel (Keys, 1981, equation 4 with a free a).

    Args:
        distance: in input pixels, positive or negative.
        a: slope at a distance of 1; by default that of the upsampling.
    """
    t = np.abs(np.asarray(distance, dtype=np.float64))
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((t - 5) * t + 8) * t * a - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))  # noqa: PLR2004 - its support


def compute_positions(pixels_in: int, pixels_out: int, outputs: npt.NDArray[np.int64]) -> Float64:
    """Compute the positions of output pixels on the input's axis.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after.
        outputs: indices of output pixels; they may be outside the picture.
    """
    # A single division of exact integers, so that no error accumulates along the axis.
    return ((2 * outputs + 1) * pixels_in - pixels_out) / np.float64(2 * pixels_out)


def compute_taps(
    pixels_in: int, pixels_out: int, outputs: npt.NDArray[np.int64], a: float = CUBIC_A
) -> tuple[npt.NDArray[np.int64], Float64]:
    """Return the four input pixels of each output pixel, and their weights: (outputs, 4) each.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after.
        outputs: indices of output pixels.
        a: of the kernel; see `cubic`.
    """
    position = compute_positions(pixels_in, pixels_out, outputs)
    before = np.floor(position).astype(np.int64)
    weights = cubic((position - before)[:, None] - _TAPS, a)
    return np.clip(before[:, None] + _TAPS, 0, pixels_in - 1), weights


def interpolation(
    pixels_in: int, pixels_out: int, first: int, stop: int, *, zeros_outside: bool = False
) -> tuple[tuple[int, int], npt.NDArray[np.float32]]:
    """Make the matrix that upsamples a range of one axis.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after.
        first: first output pixel; may be negative.
        stop: one after the last output pixel; may be past the end of the axis.
        zeros_outside: whether output pixels outside the picture are zero; if not, the border is
            repeated.

    Returns:
        The range of input pixels that is needed, and (stop - first, input pixels) float32
        weights.
    """
    outputs = np.arange(first, stop)
    inside = np.clip(outputs, 0, pixels_out - 1)
    sources, weights = compute_taps(pixels_in, pixels_out, inside)
    if zeros_outside:
        weights[outputs != inside] = 0
    low, high = int(sources.min()), int(sources.max()) + 1
    matrix = np.zeros((len(outputs), high - low))
    np.add.at(matrix, (np.arange(len(outputs))[:, None], sources - low), weights)
    return (low, high), matrix.astype(np.float32)


@cache
def make_phase_matrix(factor: int, cells: int, before: int, after: int) -> npt.NDArray[np.float32]:
    """Make the matrix that upsamples whole cells at an integer factor, away from the border.

    Args:
        factor: an integer.
        cells: to upsample.
        before: first cell that is there, relative to the first to upsample.
        after: last cell that is there, relative to the last to upsample.

    Returns:
        (cells * factor, cells there) float32 weights.
    """
    positions = compute_positions(1, factor, np.arange(cells * factor))
    weights = cubic(positions[:, None] - np.arange(before, cells + after))
    return weights.astype(np.float32)


def compute_input_weights(pixels_in: int, pixels_out: int) -> Float64:
    """Compute the weight of each input pixel in the mean of the upsampled axis; they sum to 1.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after.
    """
    sources, weights = compute_taps(pixels_in, pixels_out, np.arange(pixels_out))
    total = np.bincount(sources.ravel(), weights.ravel(), minlength=pixels_in)
    return total / pixels_out
