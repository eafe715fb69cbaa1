"""Write the graph for any factor: upsample a tile by two matrix products, then convolve it.

A convolution with few output channels wastes most of a processor's vector (it uses 3 of 8 or 16
values). So the last convolution computes a block of output pixels as channels, with a larger
kernel and a stride. The products and sums are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from srcnn.inference.engine.graph_writer import (
    PLANES,
    GraphWriter,
    PixelFormat,
    write_entry,
    write_exit,
)
from srcnn.inference.engine.network import Activation, Convolution, Network
from srcnn.inference.engine.tiling import Span

ROWS, COLUMNS = "rows", "columns"
_VECTOR = 16  # channels that a processor computes at once, padded; 8 with AVX2 only
_BLOCKS = (1, 2, 4)


class Edges(NamedTuple):
    """The sides of a tile at the picture's border, where the later convolutions pad.

    Attributes:
        top: whether the tile is at the top of the picture.
        left: whether it is at the left side.
        bottom: whether it is at the bottom.
        right: whether it is at the right side.
        extra: rows and columns that are computed past the end to fill the last block.
    """

    top: bool
    left: bool
    bottom: bool
    right: bool
    extra: tuple[int, int]

    @classmethod
    def from_spans(cls, rows: Span, columns: Span) -> Edges:
        """Find the edges of a tile."""
        # Away from the border, the extra pixels are computed from pixels and not from padding.
        extra = (rows.extra * rows.pad_high, columns.extra * columns.pad_high)
        return cls(rows.pad_low, columns.pad_low, rows.pad_high, columns.pad_high, extra)


def round_up_channels(channels: int) -> int:
    """Round up to the number of channels that the processor computes."""
    return -(-channels // _VECTOR) * _VECTOR


def choose_block(network: Network) -> tuple[int, int]:
    """Choose the height and width of the block with the least cost per pixel."""
    if not network.layers:
        return 1, 1
    last = network.convolutions[-1]
    shapes = [(height, width) for height in _BLOCKS for width in _BLOCKS]
    return min(shapes, key=lambda shape: (_count_block_macs(last, shape), shape))


def count_macs_per_pixel(network: Network) -> float:
    """Count multiplications per output pixel, including padded channels."""
    if not network.layers:
        return 0
    *others, last = network.convolutions
    return sum(layer.macs for layer in others) + _count_block_macs(last, choose_block(network))


def _count_block_macs(last: Convolution, shape: tuple[int, int]) -> float:
    outputs, inputs, height, width = last.weight.shape
    window = (height + shape[0] - 1) * (width + shape[1] - 1)
    pixels = shape[0] * shape[1]
    return float(window * inputs * round_up_channels(outputs * pixels) / pixels)


def merge_into_block(last: Convolution, block: tuple[int, int]) -> Convolution:
    """Make a convolution compute a block of pixels as channels: (row, column, channel)."""
    outputs, inputs, height, width = last.weight.shape
    weight = np.zeros(
        (*block, outputs, inputs, height + block[0] - 1, width + block[1] - 1), np.float32
    )
    for row, column in np.ndindex(*block):
        weight[row, column, :, :, row : row + height, column : column + width] = last.weight
    count = block[0] * block[1]
    return Convolution(weight.reshape(-1, *weight.shape[3:]), np.tile(last.bias, count))


def write_upsampled_graph(network: Network, pixel_format: PixelFormat, edges: Edges) -> bytes:
    """Write the graph for a tile; see `graph_writer`.

    Its other inputs are matrices of `bicubic.interpolation`: `rows` (tile height, source height)
    and `columns` (source width, tile width).

    Args:
        network: with as many channels as `pixel_format`.
        pixel_format: of the pixels.
        edges: the sides of the tile at the picture's border.
    """
    graph = GraphWriter()
    tall = graph.add_node("MatMul", ROWS, write_entry(graph, pixel_format))
    upsampled = graph.add_node("MatMul", tall, COLUMNS)
    value = graph.add_node("Unsqueeze", upsampled, graph.add_constant([0], np.int64), output=PLANES)
    block = choose_block(network)
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Activation):
            value = graph.add_activation(value, layer)
            continue
        is_last = index == len(network.layers) - 1
        pads = [0] * 4 if index == 0 else _compute_pads(layer, edges, is_last=is_last)
        strides = block if is_last else (1, 1)
        weights = merge_into_block(layer, block) if is_last else layer
        value = graph.add_convolution(value, weights, pads=pads, strides=list(strides))
    more = {ROWS: (np.float32, 2), COLUMNS: (np.float32, 2)}
    return write_exit(graph, pixel_format, value, block[0] * block[1] * pixel_format.channels, more)


def _compute_pads(layer: Convolution, edges: Edges, *, is_last: bool) -> list[int]:
    rows, columns = layer.reach
    extra = edges.extra if is_last else (0, 0)
    return [
        rows * edges.top,
        columns * edges.left,
        rows * edges.bottom + extra[0],
        columns * edges.right + extra[1],
    ]
