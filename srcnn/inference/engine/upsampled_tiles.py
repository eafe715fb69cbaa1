"""Tiles of any part of the result at any factor, the picture's border included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product

import numpy as np

from srcnn.inference.engine.bicubic import interpolation
from srcnn.inference.engine.graph_writer import PIXELS
from srcnn.inference.engine.network import compute_reach
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tile_pixels import Box, TiledImage, place
from srcnn.inference.engine.tiling import Span, compute_spans, cut_range
from srcnn.inference.engine.upsampled_graph import (
    COLUMNS,
    ROWS,
    Edges,
    choose_block,
    write_upsampled_graph,
)
from srcnn.runtime.onnx_session import Run, check_finite


class UpsampledTiles:
    """Tiles of pictures at any factor."""

    def __init__(self, ready: SessionCache, tile_px: int) -> None:
        """Load nothing yet.

        Args:
            ready: makes graphs ready to run.
            tile_px: side of a tile of the result.
        """
        self._ready = ready
        self._tile_px = tile_px

    def calls(self, task: TiledImage, box: Box) -> Iterator[Callable[[], None]]:
        """One call for each tile.

        Args:
            task: the picture.
            box: of the result; each side lies on its border, or 32 pixels away from it.
        """
        network, kind = task.network, task.kind
        first, later = (
            compute_reach(network.convolutions[:1]),
            compute_reach(network.convolutions[1:]),
        )
        block, lengths = choose_block(network), self._lengths(box)
        rows, columns = (
            list(
                compute_spans(
                    task.size_out[axis],
                    (first[axis], later[axis]),
                    block[axis],
                    cut_range(*box[axis], lengths[axis], block[axis]),
                )
            )
            for axis in (0, 1)
        )

        @cache  # for this picture: there may be more of them than are kept
        def graph_of(edges: Edges) -> Run:
            return self._ready(write_upsampled_graph, network, kind, edges)

        for row, column in product(rows, columns):
            yield partial(self._compute, graph_of(Edges.of(row, column)), task, row, column)

    def _lengths(self, box: Box) -> tuple[int, int]:
        """Height and width of tiles: longer ones where the box is narrow."""
        height, width = (stop - start for start, stop in box)
        side = self._tile_px
        if height < width:
            return min(height, side), min(side * side // min(height, side), 2 * side)
        return min(side * side // min(width, side), 2 * side), min(width, side)

    @staticmethod
    def _compute(graph: Run, task: TiledImage, rows: Span, columns: Span) -> None:
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
        place(blocks, choose_block(task.network), target)
