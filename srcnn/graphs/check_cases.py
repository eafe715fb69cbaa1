"""The sizes, factors, qualities and pixels with which graphs are compared.

Factors 2, 3 and 4 alone would show neither a wrong rounding rule nor swapped axes. So the sizes
are odd, prime, tall, wide and one pixel, and some factors are fractional or differ per axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from srcnn.geometry import Factor, Size
from srcnn.graphs.graph_format import CLEAN, FACTOR, QUALITY

if TYPE_CHECKING:
    from collections.abc import Sequence

Float32: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

# Largest and mean difference, in grey levels of 255, that count as equal. On random pixels the
# largest seen were 0.0025 and 0.00015, from float32 coordinates at fractional factors and from
# summing 5,184 products in another order. A wrong coefficient, coordinate or channel order gives
# whole levels. So the tolerance allows for other processors, but not for mistakes.
MAX_TOLERANCE = 0.02
MEAN_TOLERANCE = 0.002

SIZES = (
    Size(1, 1),
    Size(9, 15),  # odd
    Size(13, 11),  # prime
    Size(40, 4),  # tall; floor(1.3 x 40) is 52 in float32, but 51 in float64
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
        ("2.57", "16"),  # the maximum, and a factor that any rounding would change
    )
)
# Below, at and above usual anchors, at both ends, and off the steps of 2.5.
QUALITIES = (1.0, 30.0, 33.0, 60.0, 75.0, 90.0, 97.0, CLEAN)
QUALITY_SIZE = Size(13, 11)


class Setting(NamedTuple):
    """What the weights of a graph may depend on.

    Attributes:
        factor: of height and width.
        quality: of the source; None if it is left out.
    """

    factor: Factor
    quality: float | None = None

    def __str__(self) -> str:
        """Describe the setting for a finding."""
        more = "" if self.quality is None else f", quality {self.quality:g}"
        return f"factor {self.factor}{more}"

    @property
    def feeds(self) -> dict[str, Float32]:
        """The graph's inputs besides the image."""
        quality = {} if self.quality is None else {QUALITY: np.array([self.quality], np.float32)}
        return {FACTOR: list_scales(self.factor)} | quality


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        size: of the input, in pixels.
        factor: of its height and width.
        quality: of its source; None if it is left out.
    """

    size: Size
    factor: Factor
    quality: float | None = None

    def __str__(self) -> str:
        """Describe the case for a finding."""
        setting = Setting(self.factor, self.quality)
        return f"{self.size.height} x {self.size.width} px (height x width), {setting}"

    @property
    def scales(self) -> Float32:
        """The graph's `factor` input, (4,) float32 [1, 1, fh, fw]."""
        return list_scales(self.factor)

    @property
    def size_out(self) -> Size:
        """Size of the result by ONNX Runtime's rule, floor(float32(h) x float32(f))."""
        height, width = np.array(self.size, np.float32) * self.scales[2:]
        return Size(int(height), int(width))

    def make_image(self, batch: int = 1) -> Float32:
        """Make random pixels, (batch, 3, H, W) float32 in 0..255, the same in every call."""
        rng = np.random.default_rng([batch, *self.size])
        return rng.uniform(0, 255, (batch, 3, *self.size)).astype(np.float32)


def list_scales(factor: Factor) -> Float32:
    """List the scales that `Resize` takes for a factor: (4,) float32 [1, 1, fh, fw]."""
    return np.array([1, 1, factor.height, factor.width], np.float32)


def list_cases(fixed: Factor | None = None, *, follows_quality: bool = False) -> Sequence[Case]:
    """Combine every size with every factor, and every factor with every quality.

    Args:
        fixed: the fixed factor of a graph, which is then the only one.
        follows_quality: whether the graph takes the quality.
    """
    factors = (fixed,) if fixed else FACTORS
    cases = [Case(size, factor) for size in SIZES for factor in factors]
    qualities = QUALITIES if follows_quality else ()
    return cases + [
        Case(QUALITY_SIZE, factor, quality) for factor in factors for quality in qualities
    ]
