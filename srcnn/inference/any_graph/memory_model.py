"""Predict the memory that a run on a picture takes, from what a few small pictures took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Allocators keep some of what was freed, and other pictures take other paths.
_MARGIN = 1.25
_NEARLY_LINEAR = 1.15
_LEAST_BYTES = 64  # of a pixel
_MOST_PIXELS = 2**32


@dataclass(frozen=True)
class MemoryModel:
    """Memory by the number of pixels.

    Between what was measured it is linear. Beyond, it is proportional to a power of the number:
    1 for convolutions, 2 for global attention.

    Attributes:
        pixels: of the pictures that were measured, ascending.
        peaks: what they took, in bytes.
        outside_bytes: that Python holds for each pixel, besides.
    """

    pixels: tuple[int, ...]
    peaks: tuple[int, ...]
    outside_bytes: float

    def predict(self, pixels: int) -> int:
        """Return the bytes that a run on a picture takes."""
        beyond = max(pixels / self.pixels[-1], 1) ** self._exponent
        inside = float(np.interp(pixels, (0, *self.pixels), (0, *self.peaks))) * beyond
        return int(_MARGIN * max(inside, _LEAST_BYTES * pixels) + self.outside_bytes * pixels)

    def find_largest(self, budget_bytes: int) -> int:
        """Return the pixels of the largest picture within a budget; 0 if there is none."""
        low, high = 0, _MOST_PIXELS
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.predict(middle) <= budget_bytes else (low, middle)
        return low

    @property
    def _exponent(self) -> float:
        (small, large), (low, high) = ((1, *self.pixels)[-2:], (1, *self.peaks)[-2:])
        if len(self.pixels) == 1 or not 0 < low < high:
            return 1.0
        exponent = math.log(high / low) / math.log(large / small)
        return exponent if exponent > _NEARLY_LINEAR else 1.0


def fit_memory(
    pixels: Sequence[int], peaks: Sequence[int], outside_bytes: float = 0.0
) -> MemoryModel:
    """Make a model of measurements.

    Args:
        pixels: of the pictures, ascending.
        peaks: in bytes, ascending; at least one, and not more than there are pictures.
        outside_bytes: that Python holds for each pixel, besides.
    """
    return MemoryModel(tuple(pixels[: len(peaks)]), tuple(peaks), outside_bytes)
