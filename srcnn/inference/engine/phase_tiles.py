"""Tiles at integer factors, computed phase by phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import product
from typing import TypeAlias

from srcnn.inference.engine.graph_writer import PIXELS
from srcnn.inference.engine.network import Network
from srcnn.inference.engine.phase_graph import PhaseGraph, write_phase_graph
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tiled_image import Box, Range, TiledImage, extract_part, place_blocks
from srcnn.inference.engine.tiling import cut_range
from srcnn.runtime.onnx_session import Run, check_finite

Factors: TypeAlias = tuple[int, int]
"""Integer factors of the height and the width."""

_CACHED = 64  # phase graphs: for the networks, factors and channels of many pictures


class PhaseTiles:
    """Computes tiles at integer factors."""

    def __init__(self, sessions: SessionCache, tile_px: int) -> None:
        """Create the tiles; graphs are loaded when they are needed.

        Args:
            sessions: loads and caches graphs.
            tile_px: side of a tile of the result.
        """
        self._sessions = sessions
        self._tile_px = tile_px
        self._phases = lru_cache(_CACHED)(PhaseGraph)

    def count_macs_per_pixel(self, network: Network, factors: Factors) -> float:
        """Count multiplications per pixel of the result; infinite if phases are not possible."""
        return self._phases(network, factors).macs_per_pixel if network.has_phases else math.inf

    def make_calls(
        self, tiled: TiledImage, factors: Factors, box: Box
    ) -> Iterator[Callable[[], None]]:
        """Make a call for each tile.

        Args:
            tiled: the picture and its result.
            factors: from the picture to the result.
            box: part of the result, away from its border, that begins and ends at cell borders.
        """
        rows, columns = (
            cut_range(start, stop, self._tile_px, factor)
            for (start, stop), factor in zip(box, factors, strict=True)
        )
        phases = self._phases(tiled.network, factors)
        # Loaded once for all tiles, and not by each thread.
        graph = self._sessions(write_phase_graph, tiled.network, tiled.pixel_format, factors)
        for tile in product(rows, columns):
            yield partial(self._compute, graph, phases, tiled, tile)

    @staticmethod
    def _compute(graph: Run, phases: PhaseGraph, tiled: TiledImage, tile: Box) -> None:
        factors = phases.factor
        needed: list[Range] = [
            (start // factor + before, stop // factor + after)
            for (start, stop), factor, before, after in zip(
                tile, factors, phases.before, phases.after, strict=True
            )
        ]
        blocks, mean = graph({PIXELS: extract_part(tiled.image, needed[0], needed[1])})
        check_finite(mean)
        place_blocks(blocks, factors, tiled.result[slice(*tile[0]), slice(*tile[1])])
