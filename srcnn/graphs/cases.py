"""The sizes and factors at which graphs are compared, and the pixels for it.

A check at 2, 3 and 4 alone sees neither a rounding rule nor a swapped axis, so
there are odd, prime, tall, wide and one-pixel sizes, and fractional and unequal
factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from srcnn.geometry import Factor, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

Float32: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

# Largest and mean difference, in grey levels of 255, that count as equal. On random pixels up
# to 0.0025 and 0.00015 were seen: float32 coordinates at fractional factors, and sums of 5,184
# products in another order. A wrong coefficient, coordinate or channel order gives whole levels.
# So this leaves room for other processors, and none for mistakes.
MAX_TOLERANCE = 0.02
MEAN_TOLERANCE = 0.002

SIZES = (
    Size(1, 1),
    Size(9, 15),  # odd
    Size(13, 11),  # prime
    Size(40, 4),  # tall; 1.3 x 40 is 52 in float32, and 51 where a float64 product is floored
    Size(3, 41),  # wide
)
FACTORS = tuple(
    Factor(Fraction(height), Fraction(width))
    for height, width in (
        ("1", "1"),
        ("1.3", "1.3"),
        ("2", "2"),
        ("2.5", "2.5"),
        ("3.3", "3.3"),
        ("4", "4"),
        ("2", "3"),
        ("3.3", "1.3"),
        ("2.57", "16"),  # the largest that is promised, and one that no rounding leaves as it is
    )
)


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        size: of the input, in pixels.
        factor: of its height and width.
    """

    size: Size
    factor: Factor

    def __str__(self) -> str:
        """For findings."""
        return f"{self.size.height} x {self.size.width} px (height x width), factor {self.factor}"

    @property
    def scales(self) -> Float32:
        """The graph's `factor` input, (4,) float32 [1, 1, fh, fw]."""
        return scales_of(self.factor)

    @property
    def size_out(self) -> Size:
        """The size of the result by ONNX Runtime's rule, floor(float32(h) x float32(f))."""
        height, width = np.array(self.size, np.float32) * self.scales[2:]
        return Size(int(height), int(width))

    def image(self, batch: int = 1) -> Float32:
        """Random pixels, (batch, 3, H, W) float32 in 0..255, the same at every call."""
        rng = np.random.default_rng([batch, *self.size])
        return rng.uniform(0, 255, (batch, 3, *self.size)).astype(np.float32)


def scales_of(factor: Factor) -> Float32:
    """A factor as `Resize` takes it, (4,) float32 [1, 1, fh, fw]."""
    return np.array([1, 1, factor.height, factor.width], np.float32)


def cases(fixed: Factor | None = None) -> Sequence[Case]:
    """Every size at every factor, or at the one of a graph whose factor is fixed."""
    return [Case(size, factor) for size in SIZES for factor in ((fixed,) if fixed else FACTORS)]
