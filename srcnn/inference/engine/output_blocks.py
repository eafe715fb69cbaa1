"""Compute several places of a convolution's output at once, as channels.

A convolution with few output channels wastes most of a processor's vector (it uses 3 of 8 or 16
values). A block of places as channels, by a larger kernel and a stride, uses more of it. The
products and sums are the same.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from srcnn.inference.engine.network import Convolution

_VECTOR = 16  # channels that a processor computes at once, padded; 8 with AVX2 only
_SIDES = (1, 2, 4)


def choose_block(shapes: Iterable[tuple[int, ...]]) -> tuple[int, int]:
    """Choose the height and width of the block with the least cost.

    Args:
        shapes: of the weights of convolutions whose outputs are added.
    """
    found = list(shapes)
    blocks = [(height, width) for height in _SIDES for width in _SIDES]
    return min(blocks, key=lambda block: (sum(count_macs(each, block) for each in found), block))


def count_macs(shape: tuple[int, ...], block: tuple[int, int]) -> float:
    """Count multiplications for each place, including padded channels.

    Args:
        shape: of the weights, (channels out, channels in, height, width).
        block: height and width.
    """
    outputs, inputs, height, width = shape
    window = (height + block[0] - 1) * (width + block[1] - 1)
    places = block[0] * block[1]
    return float(window * inputs * -(-outputs * places // _VECTOR) * _VECTOR / places)


def merge_into_block(
    layer: Convolution, block: tuple[int, int], within: tuple[int, int] = (1, 1)
) -> Convolution:
    """Make a convolution compute a block of places as channels.

    Args:
        layer: its output channels are those of pixels: (row, column, plane) within a place.
        block: height and width, in places; also the stride with which it is to be used.
        within: rows and columns of pixels within a place.

    Returns:
        Its output channels are those of pixels: (row, column, plane) within the block.
    """
    outputs, inputs, height, width = layer.weight.shape
    weight = np.zeros(
        (*block, outputs, inputs, height + block[0] - 1, width + block[1] - 1), np.float32
    )
    for row, column in np.ndindex(*block):
        weight[row, column, :, :, row : row + height, column : column + width] = layer.weight
    bias = np.broadcast_to(layer.bias, (*block, outputs))
    kernel = weight.shape[3:]
    return Convolution(
        _order_by_pixel(weight, within).reshape(-1, *kernel), _order_by_pixel(bias, within).ravel()
    )


def _order_by_pixel(values: np.ndarray, within: tuple[int, int]) -> np.ndarray:
    """Order (row, column, outputs, ...), outputs by (row, column, plane), by pixel."""
    apart = values.reshape(*values.shape[:2], *within, -1, *values.shape[3:])
    return apart.transpose(0, 2, 1, 3, *range(4, apart.ndim))
