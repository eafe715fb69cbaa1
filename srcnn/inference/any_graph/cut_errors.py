"""How far a cut through a picture is felt in a graph's result.

A picture is run, and then a part of it. Where the part was cut off, its result differs; from some
distance on it does not, if the graph reads a bounded surrounding. This is the context that a tile
needs. It is a stronger probe than one changed pixel: everything beyond the cut changes, as it does
for a tile, and the difference is in the unit that counts, levels of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Factor

Planes = npt.NDArray[np.float32]
Run = Callable[[Planes], Planes]


def make_picture(height: int, width: int) -> Planes:
    """Make a picture with all that graphs look at: gradients, edges, and noise in some places.

    Its mean and contrast differ from place to place, so that a part shows to a graph that
    normalises.

    Returns:
        (height, width, 3) float32 BGR, whole numbers of 0..255.
    """
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    ramp = 10 + 200 * columns / width
    boxes = 40 * (((rows // 11) + (columns // 7)) % 2)
    noise = rng.normal(0, 25, (height, width, 3)) * (rows / height)[:, :, None]
    tint = np.array([-15, 0, 15])
    picture: Planes = np.rint(np.clip((ramp + boxes)[:, :, None] + noise + tint, 0, 255)).astype(
        np.float32
    )
    return picture


def compare_cut(whole: Planes, part: Planes, offset: int, factor: Factor) -> Planes:
    """Compare results where two windows overlap.

    Args:
        whole: result of the first window.
        part: result of a window that begins `offset` pixels further down and right.
        offset: in pixels of the input, such that its result is whole pixels.
        factor: of the graph.

    Returns:
        (h, w), for each pixel of the input in the overlap: the largest difference in levels.
    """
    down, right = int(offset * factor.height), int(offset * factor.width)
    behind = whole[down:, right:]
    height = min(len(behind), len(part))
    width = min(behind.shape[1], part.shape[1])
    difference = np.abs(behind[:height, :width] - part[:height, :width]).max(axis=2)
    return _reduce(_reduce(difference, factor.height).T, factor.width).T


def _reduce(difference: Planes, factor: Fraction) -> Planes:
    """Take the largest of the rows that belong to each row of the input."""
    count = int(len(difference) / factor)
    starts = [int(row * factor) for row in range(count)]
    reduced: Planes = np.maximum.reduceat(difference, starts, axis=0)
    return reduced


def find_distance(
    differences: Planes, limit: float, *, from_start: bool, from_end: bool
) -> int | None:
    """Find the distance from a cut from which on all differences are within a limit.

    Args:
        differences: of `compare_cut`.
        limit: in levels.
        from_start: whether the cut is above and to the left.
        from_end: whether the cut is below and to the right; with both, it is all around.

    Returns:
        In pixels of the input; None if it is more than half of what was compared.
    """
    height, width = differences.shape
    for distance in range(min(height, width) // 2):
        first = distance if from_start else 0
        behind = distance if from_end else 0
        if differences[first : height - behind, first : width - behind].max() <= limit:
            return distance
    return None
