"""Tiles of any part of the result at any factor, including the picture's border."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product

import numpy as np

from srcnn.inference.engine.bicubic import interpolation
from srcnn.inference.engine.graph_writer import PIXELS
from srcnn.inference.engine.network import compute_reach
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tiled_image import Box, TiledImage, place_blocks
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
    """Computes tiles at any factor."""

    def __init__(self, sessions: SessionCache, tile_px: int) -> None:
        """Create the tiles; graphs are loaded when they are needed.

        Args:
            sessions: loads and caches graphs.
            tile_px: side of a tile of the result.
        """
        self._sessions = sessions
        self._tile_px = tile_px

    def make_calls(self, tiled: TiledImage, box: Box) -> Iterator[Callable[[], None]]:
        """Make a call for each tile.

        Args:
            tiled: the picture and its result.
            box: part of the result; each side is at its border, or at least as far away as the
                later convolutions reach.
        """
        network, pixel_format = tiled.network, tiled.pixel_format
        first = compute_reach(network.convolutions[:1])
        later = compute_reach(network.convolutions[1:])
        block, lengths = choose_block(network), self._choose_lengths(box)
        rows, columns = (
            list(
                compute_spans(
                    tiled.size_out[axis],
                    (first[axis], later[axis]),
                    block[axis],
                    cut_range(*box[axis], lengths[axis], block[axis]),
                )
            )
            for axis in (0, 1)
        )

        @cache  # for this picture, which may need more graphs than `sessions` can cache
        def load_graph(edges: Edges) -> Run:
            return self._sessions(write_upsampled_graph, network, pixel_format, edges)

        for row, column in product(rows, columns):
            yield partial(
                self._compute, load_graph(Edges.from_spans(row, column)), tiled, row, column
            )

    def _choose_lengths(self, box: Box) -> tuple[int, int]:
        """Choose the height and width of tiles: longer tiles if the box is narrow."""
        height, width = (stop - start for start, stop in box)
        side = self._tile_px
        if height < width:
            return min(height, side), min(side * side // min(height, side), 2 * side)
        return min(side * side // min(width, side), 2 * side), min(width, side)

    @staticmethod
    def _compute(graph: Run, tiled: TiledImage, rows: Span, columns: Span) -> None:
        down, vertical = interpolation(
            tiled.size_in.height, tiled.size_out.height, rows.first, rows.last
        )
        across, horizontal = interpolation(
            tiled.size_in.width, tiled.size_out.width, columns.first, columns.last
        )
        feeds = {
            PIXELS: np.ascontiguousarray(tiled.image[down, across]),
            ROWS: vertical,
            COLUMNS: np.ascontiguousarray(horizontal.T),
        }
        blocks, mean = graph(feeds)
        check_finite(mean)
        target = tiled.result[rows.start : rows.stop, columns.start : columns.stop]
        place_blocks(blocks, choose_block(tiled.network), target)
