"""Divide a picture into parts that can be computed separately. Integer geometry, one axis."""

from __future__ import annotations

from itertools import pairwise


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


def extend_range(start: int, stop: int, reach: int, block: int) -> tuple[int, int]:
    """Extend a part of the result by what is needed to compute it, also outside the picture.

    Args:
        start: of the part.
        stop: one after its end.
        reach: of all convolutions together, in pixels to a side.
        block: pixels that are computed at once; those after `stop` are dropped.
    """
    return start - reach, stop + (start - stop) % block + reach
