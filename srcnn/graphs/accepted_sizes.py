"""Which sizes of pictures a graph takes: any, multiples of 8 or 64, or one size alone.

Found by running the graph. Sizes that are declared are often those of the picture that it was
exported with, and the nodes take others as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from srcnn.errors import ModelError
from srcnn.geometry import Factor, Size, compute_output_size

# Strides of U-Nets and windows of transformers.
_MULTIPLES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 14, 16, 24, 32, 48, 64, 128)
# Without small divisors, so that a graph of a larger multiple does not take them.
_COUNTS = (1, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
_PROBE_PX = 32  # at least: padding by reflection needs pixels to reflect
_SMALLEST_PX = (1, 4, 8, 16)
_MAX_DENOMINATOR = 16

RunProbe = Callable[[Size], Size]
"""Runs a graph on a picture of a size, and returns the size of the result."""


class SizeRefusedError(ModelError):
    """The graph failed on a picture of one size, and may take another."""


@dataclass(frozen=True)
class AcceptedSizes:
    """Sizes that a graph takes.

    Attributes:
        multiple: height and width are multiples of it.
        smallest_px: the shortest side.
        only: the one size that it takes; None if it takes others.
    """

    multiple: int = 1
    smallest_px: int = 1
    only: Size | None = None

    def round_up(self, size: Size) -> Size:
        """Return the smallest size that is taken, and has room for another size."""
        if self.only:
            return Size(*map(max, size, self.only))
        height, width = (
            -(-max(side, self.smallest_px) // self.multiple) * self.multiple for side in size
        )
        return Size(height, width)


def find_sizes(
    run: RunProbe, declared: Size | None, known: Factor | None
) -> tuple[AcceptedSizes, Factor]:
    """Find the sizes that a graph takes, and its factor.

    Args:
        run: raises `SizeRefusedError` where the graph fails.
        declared: the size that the graph declares, if any.
        known: the factor on its card, if it has one.

    Raises:
        ModelError: the graph takes no size, or has no fixed factor of 1 or more.
    """
    problems: list[ModelError] = []
    for multiple in _MULTIPLES:
        try:
            factor = _find_factor(run, list(_list_probes(multiple)), known)
        except SizeRefusedError as error:
            problems.append(error)
            continue
        return AcceptedSizes(multiple, _find_smallest(run, multiple, factor)), factor
    if declared:
        return AcceptedSizes(only=declared), _find_factor(run, [declared], known)
    raise problems[0]


def _list_probes(multiple: int) -> Iterator[Size]:
    first = next(count for count in _COUNTS if count * multiple >= _PROBE_PX)
    second = _COUNTS[_COUNTS.index(first) + 1] if first > 1 else _COUNTS[1]
    yield Size(first * multiple, second * multiple)
    yield Size(second * multiple, first * multiple)


def _find_factor(run: RunProbe, sizes: list[Size], known: Factor | None) -> Factor:
    results = [run(size) for size in sizes]
    if known:
        fits = all(
            compute_output_size(size, known) == result
            for size, result in zip(sizes, results, strict=True)
        )
        factor = known if fits else None
    else:
        axes = [
            _find_axis_factor(
                [(size[axis], result[axis]) for size, result in zip(sizes, results, strict=True)]
            )
            for axis in (0, 1)
        ]
        factor = Factor(axes[0], axes[1]) if axes[0] and axes[1] else None
    if factor is None:
        found = ", and ".join(
            f"{size} px became {result} px" for size, result in zip(sizes, results, strict=True)
        )
        raise SizeRefusedError(f"it has no fixed factor of 1 or more: {found}")
    return factor


def _find_axis_factor(lengths: list[tuple[int, int]]) -> Fraction | None:
    """Find the simplest factor that turns each length into the other, rounded down."""
    before, after = lengths[0]
    for denominator in range(1, _MAX_DENOMINATOR + 1):
        factor = Fraction(math.ceil(Fraction(after * denominator, before)), denominator)
        if factor >= 1 and all(int(first * factor) == second for first, second in lengths):
            return factor
    return None


def _find_smallest(run: RunProbe, multiple: int, factor: Factor) -> int:
    for side in _SMALLEST_PX:
        size = AcceptedSizes(multiple).round_up(Size(side, side))
        try:
            if run(size) == compute_output_size(size, factor):
                return size.height
        except SizeRefusedError:
            continue
    return AcceptedSizes(multiple).round_up(Size(_PROBE_PX, _PROBE_PX)).height
