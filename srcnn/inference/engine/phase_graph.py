"""Write the graph for integer factors: convolve the input itself, for all phases of the result.

The first convolution has a set of output channels for each phase, so that no upsampled pixels
are computed: at x4 it multiplies 6 * 6 cells for each value, instead of 9 * 9 upsampled pixels.
The values of a phase stay together as channels. The last convolution takes from the neighbouring
phases the values that it would have found in the upsampled picture.

Only phases that need the same cells share a convolution, so that nothing superfluous is computed.
The border is not handled here: see `engine` for the frame around the cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from srcnn.inference.engine.bicubic import make_phase_matrix
from srcnn.inference.engine.graph_writer import (
    BLOCKS,
    CELLS,
    COLUMNS,
    PLANES,
    ROWS,
    GraphWriter,
)
from srcnn.inference.engine.network import Activation, Convolution, Float32, Network
from srcnn.inference.engine.output_blocks import choose_block, count_macs, merge_into_block
from srcnn.inference.engine.phase_groups import (
    PhaseGroup,
    compose_weights,
    group_phases,
    list_later_weights,
)


class PhaseGraph:
    """A network at an integer factor per axis.

    Attributes:
        factor: of the height and the width.
        block: height and width of the block of cells that is computed at once.
        before: first cell needed, relative to the first cell of a tile, per axis; at most 0.
        after: last cell needed, relative to the last cell of a tile, per axis.
    """

    def __init__(self, network: Network, factor: tuple[int, int]) -> None:
        """Group the phases that need the same cells.

        Args:
            network: `Network.has_phases` must hold.
            factor: integers, of the height and the width.
        """
        self.factor = factor
        self._network = network
        first, *_, last = network.convolutions
        self._groups = [
            group_phases(factor[axis], first.reach[axis], last.reach[axis]) for axis in (0, 1)
        ]
        self.before = [min(group.cells[0] for group in axis) for axis in self._groups]
        self.after = [max(group.cells[1] for group in axis) for axis in self._groups]
        self._last_shapes = [self._find_last_shape(*pair) for pair in self._pair_groups()]
        self.block = choose_block(self._last_shapes)

    @property
    def macs_per_pixel(self) -> float:
        """Multiplications per output pixel, including padded channels."""
        first, *others, _ = self._network.convolutions
        total = sum(count_macs(shape, self.block) for shape in self._last_shapes)
        for rows, columns in self._pair_groups():
            phases = len(rows.phases) * len(columns.phases)
            window = (rows.high - rows.low + 1) * (columns.high - columns.low + 1)
            total += phases * window * first.weight.shape[0] * first.weight.shape[1]
            total += phases * sum(layer.macs for layer in others)
        return total / (self.factor[0] * self.factor[1])

    def _find_last_shape(self, rows: PhaseGroup, columns: PhaseGroup) -> tuple[int, ...]:
        """Find the shape of the weights that make a cell's pixels of a pair of groups."""
        return (
            self.factor[0] * self.factor[1] * self._network.planes,
            len(rows.phases) * len(columns.phases) * self._network.shapes[-1][1],
            rows.later_high - rows.later_low + 1,
            columns.later_high - columns.later_low + 1,
        )

    def _pair_groups(self) -> Iterator[tuple[PhaseGroup, PhaseGroup]]:
        rows, columns = self._groups
        return ((row, column) for row in rows for column in columns)

    def write(self) -> bytes:
        """Write the graph for a tile of cells; see `graph_writer`.

        The cells of the tile are whole blocks, with a margin according to `before` and `after`.
        Only a network with luma has matrices, and returns the upsampled picture: see
        `make_matrices`.
        """
        graph = GraphWriter()
        luma = self._network.luma
        planes = graph.add_luma(CELLS, luma) if luma else CELLS
        outputs = {BLOCKS: (self._add_groups(graph, graph.add_batch(planes)), 4)}
        if not luma:
            return graph.to_bytes(outputs, ())
        outputs[PLANES] = (graph.add_upsampling(CELLS), 3)
        return graph.to_bytes(outputs, (ROWS, COLUMNS))

    @property
    def pixel_block(self) -> tuple[int, int]:
        """Height and width of the block of pixels that is computed at once."""
        return self.factor[0] * self.block[0], self.factor[1] * self.block[1]

    def make_matrices(self, cells: tuple[int, int]) -> dict[str, Float32]:
        """Make the inputs of the graph besides the cells, by name.

        Args:
            cells: of the tile, down and across; multiples of `block`.
        """
        if not self._network.luma:
            return {}
        rows, columns = (
            make_phase_matrix(self.factor[axis], cells[axis], self.before[axis], self.after[axis])
            for axis in (0, 1)
        )
        return {ROWS: rows, COLUMNS: np.ascontiguousarray(columns.T)}

    def _add_groups(self, graph: GraphWriter, planes: str) -> str:
        """Add all layers: (1, phases * planes, cells down, cells across)."""
        total = ""
        for rows, columns in self._pair_groups():
            value = self._slice_cells(graph, planes, (rows, columns))
            value = self._add_layers(graph, value, rows, columns)
            last = merge_into_block(self._make_last(rows, columns), self.block, self.factor)
            value = graph.add_convolution(value, last, has_bias=not total, strides=list(self.block))
            total = graph.add_node("Add", total, value) if total else value
        return total

    def _slice_cells(
        self, graph: GraphWriter, planes: str, groups: tuple[PhaseGroup, PhaseGroup]
    ) -> str:
        """Slice the cells that a pair of groups needs out of those of the tile."""
        low = [group.cells[0] - self.before[axis] for axis, group in enumerate(groups)]
        high = [group.cells[1] - self.after[axis] for axis, group in enumerate(groups)]
        return graph.add_slice(planes, low, high, [2, 3])

    def _add_layers(
        self, graph: GraphWriter, value: str, rows: PhaseGroup, columns: PhaseGroup
    ) -> str:
        """Add all layers but the last: (1, phases * channels, cells down, cells across)."""
        phases = len(rows.phases) * len(columns.phases)
        value = graph.add_convolution(value, self._make_first(rows, columns))
        for layer in self._network.layers[1:-1]:
            if isinstance(layer, Activation):
                value = graph.add_activation(value, layer)
            else:
                repeated = Convolution(
                    np.tile(layer.weight, (phases, 1, 1, 1)), np.tile(layer.bias, phases)
                )
                value = graph.add_convolution(value, repeated, group=phases)
        return value

    def _make_first(self, rows: PhaseGroup, columns: PhaseGroup) -> Convolution:
        """Merge the cubic and the first convolution, for all phases of a pair of groups."""
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

    def _make_last(self, rows: PhaseGroup, columns: PhaseGroup) -> Convolution:
        """Make the share of a pair of groups in a block of pixels: (row, column, channel)."""
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
        return Convolution(
            weight.reshape(self._find_last_shape(rows, columns)),
            np.tile(last.bias, self.factor[0] * self.factor[1]),
        )


def write_phase_graph(network: Network, factors: tuple[int, int]) -> bytes:
    """Write the graph for a tile of cells; see `PhaseGraph.write`."""
    return PhaseGraph(network, factors).write()
