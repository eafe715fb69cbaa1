"""Graphs of luma alone: the network makes Y, and the cubic makes the colours.

Y is that of BT.601, from 0 to white, as JPEG has it: Y = 0.299 R + 0.587 G + 0.114 B. The
conversion to Y, Cb and Cr is linear, and so is the cubic. So the colours are enlarged, and their
luma is replaced by the network's; to enlarge Cb and Cr and convert back gives the same.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Factor, Size
from srcnn.graphs.graph_format import LUMA
from srcnn.inference.any_graph.resize_result import Axis, resample

Planes = npt.NDArray[np.float32]


def to_luma(planes: Planes) -> Planes:
    """Return the luma, (H, W, 1), of colours (H, W, 3) BGR."""
    luma: Planes = (planes * np.array(LUMA, np.float32)).sum(axis=2, keepdims=True)
    return luma


def add_colours(luma: Planes, planes: Planes, factor: Factor) -> Planes:
    """Enlarge colours, and replace their luma.

    Args:
        luma: (H', W', 1) 0..255 that the network made.
        planes: (H, W, 3) BGR 0..255 that it was made from.
        factor: from one to the other; sizes are rounded down.

    Returns:
        (H', W', 3) BGR, not clipped.
    """
    size = Size(*luma.shape[:2])
    axes = (
        _make_axis(planes.shape[0], factor.height),
        _make_axis(planes.shape[1], factor.width),
    )
    result = np.empty((*size, planes.shape[2]), np.float32)
    whole = slice(0, size.height), slice(0, size.width)
    for rows, colours in resample(planes, (0, 0), axes, whole):
        result[rows] = colours + (luma[rows] - to_luma(colours))
    return result


def _make_axis(length: int, factor: Fraction) -> Axis:
    """Return an axis with exactly this factor, not with that of its rounded length.

    So the colours of a window are where those of the whole picture are.
    """
    steps = -(-length // factor.denominator)
    return Axis(steps * factor.denominator, steps * factor.numerator)
