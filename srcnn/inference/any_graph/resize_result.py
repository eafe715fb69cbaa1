"""Resize the result of a graph with a fixed factor, from a part of it that is at hand.

Larger: by the cubic of the engine. Smaller: by the cubic of Keys with a = -0.5, stretched over the
pixels that become one, so that none is skipped; Pillow and MATLAB resize like this. Each pixel is
computed by the same operations whatever part it is in, so that tiles have no seams.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from srcnn.inference.engine.bicubic import (
    CUBIC_A,
    Float64,
    compute_positions,
    compute_taps,
    cubic,
)

Planes = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
F = TypeVar("F", np.float32, np.float64)

_ANTIALIASING_A = -0.5
_REACH = 2  # of the cubic, in pixels of the longer distance
_BLOCK_ROWS = 64  # at a time, because each tap takes a copy


@dataclass(frozen=True)
class Axis:
    """One axis that is resized.

    Attributes:
        before: its length.
        after: its length in the result.
        a: of the cubic, if the result is larger.
    """

    before: int
    after: int
    a: float = CUBIC_A

    @property
    def reach(self) -> int:
        """How far from a place the pixels are that a pixel there is computed from."""
        if self.before == self.after:
            return 0
        return math.ceil(_REACH * max(self.before / self.after, 1)) + 1

    def place(self, part: slice) -> slice:
        """Return the pixels of the result whose centres are in a part of the axis."""
        start, stop = (
            (2 * border * self.after + self.before) // (2 * self.before)
            for border in (part.start, part.stop)
        )
        return slice(start, stop)

    def weigh(self, part: slice) -> tuple[Indices, Planes]:
        """Return the pixels that each pixel of the result is computed from, and their weights.

        Args:
            part: of the result.

        Returns:
            (pixels, taps) each.
        """
        sources, weights = self.compute_weights(part)
        return sources, weights.astype(np.float32)

    def compute_weights(self, part: slice) -> tuple[Indices, Float64]:
        """Return what `weigh` returns, with weights that are not rounded to float32."""
        outputs = np.arange(part.start, part.stop)
        if self.before <= self.after:
            return compute_taps(self.before, self.after, outputs, self.a)
        return self._widen(outputs)

    def _widen(self, outputs: Indices) -> tuple[Indices, Float64]:
        stretch = self.before / self.after
        positions = compute_positions(self.before, self.after, outputs)[:, None]
        first = np.ceil(positions - _REACH * stretch).astype(np.int64)
        sources = first + np.arange(math.floor(2 * _REACH * stretch) + 1)
        weights = cubic((sources - positions) / stretch, _ANTIALIASING_A)
        weights[(sources < 0) | (sources >= self.before)] = 0
        weights /= weights.sum(axis=1, keepdims=True)
        return np.clip(sources, 0, self.before - 1), weights


def resample(
    planes: Planes, origin: tuple[int, int], axes: tuple[Axis, Axis], part: tuple[slice, slice]
) -> Iterator[tuple[slice, Planes]]:
    """Compute a part of the resized picture, some rows at a time.

    Args:
        planes: (h, w, C) 0..255 and beyond, which is clipped: a part of the picture, which reaches
            far enough around.
        origin: row and column of the picture at which it begins.
        axes: vertical and horizontal.
        part: of the result.

    Yields:
        Rows of the result, and their pixels in the part's columns.
    """
    columns, across = axes[1].weigh(part[1])
    # What is missing at the end of a window is as its last pixel.
    columns = np.clip(columns - origin[1], 0, planes.shape[1] - 1)
    for start in range(part[0].start, part[0].stop, _BLOCK_ROWS):
        block = slice(start, min(start + _BLOCK_ROWS, part[0].stop))
        rows, down = axes[0].weigh(block)
        rows = np.clip(rows - origin[0], 0, len(planes) - 1)
        taken = np.clip(planes[rows.min() : rows.max() + 1], 0, 255)
        narrow = sum_taps(taken, rows - rows.min(), down, axis=0)
        yield block, sum_taps(narrow, columns, across, axis=1)


def sum_taps(
    planes: npt.NDArray[F], sources: Indices, weights: npt.NDArray[F], axis: int
) -> npt.NDArray[F]:
    """Sum pixels along an axis: one tap of all pixels at a time.

    Args:
        planes: (h, w, C) of any floats.
        sources: (pixels, taps) that each pixel of the result is computed from.
        weights: (pixels, taps) of them, as floats of the same kind.
        axis: 0 for rows, 1 for columns.
    """
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    total = planes.take(sources[:, 0], axis) * weights[:, 0].reshape(shape)
    for tap in range(1, sources.shape[1]):
        taken = planes.take(sources[:, tap], axis)
        taken *= weights[:, tap].reshape(shape)
        total += taken
    return total
