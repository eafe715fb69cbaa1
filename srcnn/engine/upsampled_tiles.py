"""Tiles of any part of the result at any factor, the picture's border included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import product

import numpy as np

from srcnn.engine.convolving import (
    COLUMNS,
    ROWS,
    Edges,
    block_of,
    convolving_graph,
    macs_per_pixel,
)
from srcnn.engine.coordinates import interpolation
from srcnn.engine.network import Network, reach_of
from srcnn.engine.pixels import Box, Task, place
from srcnn.engine.tiles import Span, cut, spans
from srcnn.engine.writer import PIXELS, Kind
from srcnn.session import Run, check_finite

_GRAPHS = 256  # kept ready: edges, odd lengths, depths and channels of a batch of mixed sizes


class UpsampledTiles:
    """A network's tiles at any factor."""

    def __init__(
        self, networks: Callable[[int], Network], load: Callable[[bytes], Run], tile_px: int
    ) -> None:
        """Load nothing yet.

        Args:
            networks: the network for a number of channels.
            load: makes an ONNX file ready to run.
            tile_px: side of a tile of the result.
        """
        self._networks = networks
        self._tile_px = tile_px

        def graph_of(kind: Kind, edges: Edges) -> Run:
            return load(convolving_graph(networks(kind.channels), kind, edges))

        self._graph = lru_cache(_GRAPHS)(graph_of)

    def macs_per_pixel(self, channels: int) -> float:
        """Multiplications for each pixel of the result."""
        return macs_per_pixel(self._networks(channels))

    def calls(self, task: Task, box: Box) -> Iterator[Callable[[], None]]:
        """One call for each tile.

        Args:
            task: the picture.
            box: of the result; each side lies on its border, or 32 pixels away from it.
        """
        network = self._networks(task.kind.channels)
        first, later = reach_of(network.convolutions[:1]), reach_of(network.convolutions[1:])
        block, lengths = block_of(network), self._lengths(box)
        rows, columns = (
            list(
                spans(
                    task.size_out[axis],
                    (first[axis], later[axis]),
                    block[axis],
                    cut(*box[axis], lengths[axis], block[axis]),
                )
            )
            for axis in (0, 1)
        )
        for row, column in product(rows, columns):
            graph = self._graph(task.kind, Edges.of(row, column))
            yield partial(self._compute, graph, task, row, column)

    def _lengths(self, box: Box) -> tuple[int, int]:
        """Height and width of tiles: longer ones where the box is narrow."""
        height, width = (stop - start for start, stop in box)
        side = self._tile_px
        if height < width:
            return min(height, side), min(side * side // min(height, side), 2 * side)
        return min(side * side // min(width, side), 2 * side), min(width, side)

    def _compute(self, graph: Run, task: Task, rows: Span, columns: Span) -> None:
        down, vertical = interpolation(
            task.size_in.height, task.size_out.height, rows.first, rows.last
        )
        across, horizontal = interpolation(
            task.size_in.width, task.size_out.width, columns.first, columns.last
        )
        feeds = {
            PIXELS: np.ascontiguousarray(task.image[down, across]),
            ROWS: vertical,
            COLUMNS: np.ascontiguousarray(horizontal.T),
        }
        blocks, mean = graph(feeds)
        check_finite(mean)
        target = task.result[rows.start : rows.stop, columns.start : columns.stop]
        place(blocks, block_of(self._networks(task.kind.channels)), target)
