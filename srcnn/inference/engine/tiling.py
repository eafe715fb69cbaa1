"""Divide a picture into parts that can be computed separately, without seams.

Integer geometry only, one axis at a time, in pixels of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """A part of one axis, and what is needed to compute it.

    Attributes:
        start: first pixel.
        stop: one after the last pixel.
        first: first upsampled pixel that is needed. It is negative at the picture's border,
            because the first convolution is padded with zeros there.
        last: one after the last upsampled pixel that is needed.
        pad_low: whether the later convolutions pad with zeros before `start`, the border.
        pad_high: whether the later convolutions pad with zeros after `stop`, the border.
        extra: pixels that are computed after `stop` to fill the last block, and dropped.
    """

    start: int
    stop: int
    first: int
    last: int
    pad_low: bool
    pad_high: bool
    extra: int


def cut_range(start: int, stop: int, tile: int, step: int = 1) -> list[tuple[int, int]]:
    """Cut a range into parts of nearly equal length.

    Args:
        start: of the range.
        stop: one after the end of the range.
        tile: maximum length of a part, rounded up to a multiple of `step`.
        step: parts begin at multiples of it, counted from `start`.
    """
    steps = -(-(stop - start) // step)
    parts = -(-steps // -(-tile // step))
    points = [start + part * steps // parts * step for part in range(parts)] + [stop]
    return list(pairwise(points))


def compute_spans(
    length: int, reaches: tuple[int, int], block: int, parts: list[tuple[int, int]]
) -> Iterator[Span]:
    """Compute what is needed for each part.

    Args:
        length: of the axis.
        reaches: of the first convolution, and of the later ones together, in pixels to a side.
        block: pixels that are computed at once.
        parts: of the axis; each begins and ends at a border of the axis, or at least
            `reaches[1]` away from it.
    """
    first_reach, later_reach = reaches
    for start, stop in parts:
        low, high = start == 0, stop == length
        extra = (start - stop) % block
        # Zeros outside the border are the padding of the later convolutions, not pixels.
        after = first_reach if high else first_reach + later_reach + extra
        before = first_reach if low else first_reach + later_reach
        yield Span(start, stop, start - before, stop + after, low, high, extra)
