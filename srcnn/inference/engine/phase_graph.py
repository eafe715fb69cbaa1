"""The graph for whole factors: convolve the picture itself, all phases of the result at once.

The first convolution has a set of channels for each phase, and no upsampled pixel is ever
made: at x4 it multiplies 6 * 6 cells for each value, where 9 * 9 upsampled pixels would be.
A phase's values stay together as channels up to the last convolution, which gathers
from the phases around it what it would have found in the upsampled picture.

Phases that need the same cells go through one convolution together, and no others:
computing only what is needed is what makes this fast. Nothing here knows the border: see
`engine` for the frame around the cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from srcnn.inference.engine.graph_writer import (
    PLANES,
    GraphWriter,
    PixelFormat,
    write_entry,
    write_exit,
)
from srcnn.inference.engine.network import Activation, Convolution, Network
from srcnn.inference.engine.polyphase import (
    Group,
    compose_weights,
    group_phases,
    list_later_weights,
)
from srcnn.inference.engine.upsampled_graph import padded

_END = 2**31 - 1  # of a slice that goes to the end


class PhaseGraph:
    """A network at a whole factor per axis.

    Attributes:
        factor: of the height and the width.
        before: cells needed before the first, per axis; at most 0.
        after: cells needed behind the last, per axis.
    """

    def __init__(self, network: Network, factor: tuple[int, int]) -> None:
        """Find the groups.

        Args:
            network: its convolutions between the first and the last see one pixel each.
            factor: whole, of the height and the width.
        """
        self.factor = factor
        self._network = network
        first, *_, last = network.convolutions
        self._groups = [
            group_phases(factor[axis], first.reach[axis], last.reach[axis]) for axis in (0, 1)
        ]
        self.before = [min(group.cells[0] for group in axis) for axis in self._groups]
        self.after = [max(group.cells[1] for group in axis) for axis in self._groups]

    @property
    def count_macs_per_pixel(self) -> float:
        """Multiplications for each output pixel, padding of channels included."""
        first, *others, last = self._network.convolutions
        total = 0.0
        for rows, columns in self._pairs():
            phases = len(rows.phases) * len(columns.phases)
            window = (rows.high - rows.low + 1) * (columns.high - columns.low + 1)
            total += phases * window * first.weight.shape[0] * first.weight.shape[1]
            total += phases * sum(layer.macs for layer in others)
            window = rows.later_high - rows.later_low + 1
            window *= columns.later_high - columns.later_low + 1
            total += window * phases * last.weight.shape[1] * padded(self._block_channels)
        return total / (self.factor[0] * self.factor[1])

    @property
    def _block_channels(self) -> int:
        return self.factor[0] * self.factor[1] * self._network.channels

    def _pairs(self) -> Iterator[tuple[Group, Group]]:
        rows, columns = self._groups
        return ((row, column) for row in rows for column in columns)

    def content(self, kind: PixelFormat) -> bytes:
        """The graph of a tile of cells; see `writer`.

        Its pixels are the tile's cells and those of `before` and `after` around them.

        Args:
            kind: of its pixels.
        """
        graph = GraphWriter()
        entry = write_entry(graph, kind)
        planes = graph.node("Unsqueeze", entry, graph.constant([0], np.int64), output=PLANES)
        total = ""
        for rows, columns in self._pairs():
            value = self._values(
                graph, self._seen_by(graph, planes, (rows, columns)), rows, columns
            )
            last = self._last(rows, columns)
            value = graph.convolution(value, last, has_bias=not total)
            total = graph.node("Add", total, value) if total else value
        return write_exit(graph, kind, total, self._block_channels)

    def _seen_by(self, graph: GraphWriter, planes: str, groups: tuple[Group, Group]) -> str:
        """The part of the tile's cells that a pair of groups sees."""
        low = [group.cells[0] - self.before[axis] for axis, group in enumerate(groups)]
        high = [group.cells[1] - self.after[axis] or _END for axis, group in enumerate(groups)]
        if low == [0, 0] and high == [_END, _END]:
            return planes
        ends = (graph.constant(bound, np.int64) for bound in (low, high, [2, 3]))
        return graph.node("Slice", planes, *ends)

    def _values(self, graph: GraphWriter, value: str, rows: Group, columns: Group) -> str:
        """What the last convolution takes: (1, phases * channels, cells down, cells across)."""
        phases = len(rows.phases) * len(columns.phases)
        value = graph.convolution(value, self._first(rows, columns))
        for layer in self._network.layers[1:-1]:
            if isinstance(layer, Activation):
                value = graph.activation(value, layer)
            else:
                alike = Convolution(
                    np.tile(layer.weight, (phases, 1, 1, 1)), np.tile(layer.bias, phases)
                )
                value = graph.convolution(value, alike, group=phases)
        return value

    def _first(self, rows: Group, columns: Group) -> Convolution:
        """The cubic and the first convolution in one, for all phases of a pair of groups."""
        first = self._network.convolutions[0]
        reach = first.reach
        weights = [
            np.einsum(
                "ocij,iy,jx->ocyx",
                first.weight.astype(np.float64),
                compose_weights(self.factor[0], row, reach[0])[1],
                compose_weights(self.factor[1], column, reach[1])[1],
                optimize=True,
            )
            for row in rows.phases
            for column in columns.phases
        ]
        weight = np.concatenate(weights).astype(np.float32)
        return Convolution(weight, np.tile(first.bias, len(weights)))

    def _last(self, rows: Group, columns: Group) -> Convolution:
        """What a pair of groups adds to a block of pixels: (row, column, channel)."""
        last = self._network.convolutions[-1]
        outputs, inputs = last.weight.shape[:2]
        down = list_later_weights(rows, self.factor[0], last.reach[0])
        across = list_later_weights(columns, self.factor[1], last.reach[1])
        weight = np.zeros(
            (
                self.factor[0],
                self.factor[1],
                outputs,
                *(len(rows.phases), len(columns.phases), inputs),
                rows.later_high - rows.later_low + 1,
                columns.later_high - columns.later_low + 1,
            ),
            np.float32,
        )
        for row, phase, cell, y in down:
            for column, other, next_cell, x in across:
                weight[row, column, :, phase, other, :, cell, next_cell] = last.weight[:, :, y, x]
        shape = (self._block_channels, -1, *weight.shape[-2:])
        return Convolution(
            weight.reshape(shape), np.tile(last.bias, self.factor[0] * self.factor[1])
        )


def write_phase_graph(network: Network, kind: PixelFormat, factors: tuple[int, int]) -> bytes:
    """The graph of a tile of cells; see `PhaseGraph.content`."""
    return PhaseGraph(network, factors).content(kind)
