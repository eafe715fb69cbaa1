"""How a picture is cut, so that every part can be computed alone, without a seam.

Integer geometry only, one axis at a time, in pixels of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """A part of one axis, and what must be known to compute it.

    Attributes:
        start: first pixel.
        stop: one after the last.
        first: first upsampled pixel that is needed; negative where the picture ends, for the
            zeros that the first convolution sees there.
        last: one after the last upsampled pixel that is needed.
        pad_low: zeros that later convolutions see before the first: whether the picture ends.
        pad_high: likewise behind the last.
        extra: pixels computed behind `stop` and dropped, to fill the last block.
    """

    start: int
    stop: int
    first: int
    last: int
    pad_low: bool
    pad_high: bool
    extra: int


def cut_range(start: int, stop: int, tile: int, step: int = 1) -> list[tuple[int, int]]:
    """Cut a range into parts of nearly one length, about as long as a tile at most.

    Args:
        start: of the range.
        stop: one after its end.
        tile: the longest part, but for `step`.
        step: parts begin at multiples of it, counted from `start`.
    """
    steps = -(-(stop - start) // step)
    parts = -(-steps // -(-tile // step))
    points = [start + part * steps // parts * step for part in range(parts)] + [stop]
    return list(pairwise(points))


def compute_spans(
    length: int, reaches: tuple[int, int], block: int, parts: list[tuple[int, int]]
) -> Iterator[Span]:
    """What each part needs.

    Args:
        length: of the axis.
        reaches: pixels that the first convolution sees on each side, and those behind it.
        block: pixels that are computed at once.
        parts: of the axis; each begins and ends at its border, or `reaches[1]` away from it.
    """
    first_reach, later_reach = reaches
    for start, stop in parts:
        low, high = start == 0, stop == length
        extra = (start - stop) % block
        # Zeros behind the border are the later convolutions' own padding, no pixels to compute.
        after = first_reach if high else first_reach + later_reach + extra
        before = first_reach if low else first_reach + later_reach
        yield Span(start, stop, start - before, stop + after, low, high, extra)
