"""Tiles at integer factors, computed phase by phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from srcnn.inference.engine.graph_writer import CELLS
from srcnn.inference.engine.phase_graph import PhaseGraph, write_phase_graph
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tiled_image import Box, TiledImage
from srcnn.inference.engine.tiling import cut_range
from srcnn.runtime.onnx_session import Run


def make_phase_calls(
    sessions: SessionCache, tiled: TiledImage, phases: PhaseGraph, box: Box, tile_px: int
) -> Iterator[Callable[[], None]]:
    """Make a call for each tile.

    Args:
        sessions: loads and caches graphs.
        tiled: the picture and its result.
        phases: of the network, at the factors from the picture to the result.
        box: part of the result, away from its border, that begins and ends at cell borders.
        tile_px: side of a tile of the result.
    """
    rows, columns = (
        cut_range(*part, tile_px, side) for part, side in zip(box, phases.pixel_block, strict=True)
    )
    # Loaded once for all tiles, and not by each thread.
    graph = sessions(write_phase_graph, tiled.network, phases.factor)
    for tile in product(rows, columns):
        yield partial(_compute, graph, phases, tiled, tile)


def _compute(graph: Run, phases: PhaseGraph, tiled: TiledImage, tile: Box) -> None:
    (top, down), (left, across) = (
        (start // factor, -(-(stop - start) // (factor * cells)) * cells)
        for (start, stop), factor, cells in zip(tile, phases.factor, phases.block, strict=True)
    )
    rows = (top + phases.before[0], top + down + phases.after[0])
    columns = (left + phases.before[1], left + across + phases.after[1])
    matrices = phases.make_matrices((down, across))
    outputs = graph({CELLS: tiled.read(rows, columns), **matrices})
    tiled.place(outputs, phases.pixel_block, tile)
