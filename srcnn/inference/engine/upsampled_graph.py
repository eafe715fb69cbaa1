"""The graph for any factor: upsample a tile by two matrix products, then convolve it.

A convolution into few channels wastes most of a processor's vector (3 of 8 or 16), so
the last one computes a block of output pixels as so many channels, with a larger kernel
and a stride: the same products, the same sums.
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
_VECTOR = 16  # channels that a processor computes at once, and pads to; 8 where it has AVX2 only
_BLOCKS = (1, 2, 4)


class Edges(NamedTuple):
    """Where a tile touches the picture's border: what the later convolutions pad.

    Attributes:
        top: whether the picture ends above.
        left: and to the left.
        bottom: and below.
        right: and to the right.
        extra: rows and columns computed behind the end, to fill the last block.
    """

    top: bool
    left: bool
    bottom: bool
    right: bool
    extra: tuple[int, int]

    @classmethod
    def of(cls, rows: Span, columns: Span) -> Edges:
        """Those of a tile."""
        # Away from the border, extra pixels are computed from pixels, not from padding.
        extra = (rows.extra * rows.pad_high, columns.extra * columns.pad_high)
        return cls(rows.pad_low, columns.pad_low, rows.pad_high, columns.pad_high, extra)


def padded(channels: int) -> int:
    """Channels that are really computed."""
    return -(-channels // _VECTOR) * _VECTOR


def choose_block(network: Network) -> tuple[int, int]:
    """Height and width of the block of pixels that costs the least for each."""
    if not network.layers:
        return 1, 1
    last = network.convolutions[-1]
    shapes = [(height, width) for height in _BLOCKS for width in _BLOCKS]
    return min(shapes, key=lambda shape: (_block_macs(last, shape), shape))


def count_macs_per_pixel(network: Network) -> float:
    """Multiplications for each output pixel, padding of channels included."""
    if not network.layers:
        return 0
    *others, last = network.convolutions
    return sum(layer.macs for layer in others) + _block_macs(last, choose_block(network))


def _block_macs(last: Convolution, shape: tuple[int, int]) -> float:
    outputs, inputs, height, width = last.weight.shape
    window = (height + shape[0] - 1) * (width + shape[1] - 1)
    pixels = shape[0] * shape[1]
    return float(window * inputs * padded(outputs * pixels) / pixels)


def merge_into_block(last: Convolution, block: tuple[int, int]) -> Convolution:
    """The convolution that computes a block of pixels as channels: (row, column, channel)."""
    outputs, inputs, height, width = last.weight.shape
    weight = np.zeros(
        (*block, outputs, inputs, height + block[0] - 1, width + block[1] - 1), np.float32
    )
    for row, column in np.ndindex(*block):
        weight[row, column, :, :, row : row + height, column : column + width] = last.weight
    count = block[0] * block[1]
    return Convolution(weight.reshape(-1, *weight.shape[3:]), np.tile(last.bias, count))


def write_upsampled_graph(network: Network, kind: PixelFormat, edges: Edges) -> bytes:
    """The graph of a tile; see `writer`.

    Its further inputs are the matrices of `coordinates.interpolation`: `rows` (tile height,
    source height) and `columns` (source width, tile width).

    Args:
        network: for as many channels as `kind` has.
        kind: of its pixels.
        edges: where the tile touches the picture's border.
    """
    graph = GraphWriter()
    tall = graph.node("MatMul", ROWS, write_entry(graph, kind))
    upsampled = graph.node("MatMul", tall, COLUMNS)
    value = graph.node("Unsqueeze", upsampled, graph.constant([0], np.int64), output=PLANES)
    block = choose_block(network)
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Activation):
            value = graph.activation(value, layer)
            continue
        is_last = index == len(network.layers) - 1
        pads = [0] * 4 if index == 0 else _pads(layer, edges, is_last=is_last)
        strides = block if is_last else (1, 1)
        weights = merge_into_block(layer, block) if is_last else layer
        value = graph.convolution(value, weights, pads=pads, strides=list(strides))
    more = {ROWS: (np.float32, 2), COLUMNS: (np.float32, 2)}
    return write_exit(graph, kind, value, block[0] * block[1] * kind.channels, more)


def _pads(layer: Convolution, edges: Edges, *, is_last: bool) -> list[int]:
    rows, columns = layer.reach
    extra = edges.extra if is_last else (0, 0)
    return [
        rows * edges.top,
        columns * edges.left,
        rows * edges.bottom + extra[0],
        columns * edges.right + extra[1],
    ]
