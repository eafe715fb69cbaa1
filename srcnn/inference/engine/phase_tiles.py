"""Tiles of whole pixels of the picture, each computed phase by phase."""

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
from srcnn.inference.engine.tile_pixels import Box, Range, TiledImage, extract_part, place
from srcnn.inference.engine.tiling import cut_range
from srcnn.runtime.onnx_session import Run, check_finite

Factors: TypeAlias = tuple[int, int]
"""Whole factors of the height and the width."""

_PLANS = 64  # kept: networks, factors and channels of a batch


class PhaseTiles:
    """Tiles of pictures at whole factors."""

    def __init__(self, ready: SessionCache, tile_px: int) -> None:
        """Load nothing yet.

        Args:
            ready: makes graphs ready to run.
            tile_px: side of a tile of the result.
        """
        self._ready = ready
        self._tile_px = tile_px
        self._phases = lru_cache(_PLANS)(PhaseGraph)

    def count_macs_per_pixel(self, network: Network, factors: Factors) -> float:
        """Multiplications for each pixel of the result; infinite for a network of another form."""
        return (
            self._phases(network, factors).count_macs_per_pixel if network.has_phases else math.inf
        )

    def calls(self, task: TiledImage, factors: Factors, box: Box) -> Iterator[Callable[[], None]]:
        """One call for each tile.

        Args:
            task: the picture.
            factors: that lead from it to its result.
            box: of the result, away from its border; begins and ends at whole cells.
        """
        rows, columns = (
            cut_range(start, stop, self._tile_px, factor)
            for (start, stop), factor in zip(box, factors, strict=True)
        )
        phases = self._phases(task.network, factors)
        # Here, or each core would load its own.
        graph = self._ready(write_phase_graph, task.network, task.kind, factors)
        for tile in product(rows, columns):
            yield partial(self._compute, graph, phases, task, tile)

    @staticmethod
    def _compute(graph: Run, phases: PhaseGraph, task: TiledImage, tile: Box) -> None:
        factors = phases.factor
        seen: list[Range] = [
            (start // factor + before, stop // factor + after)
            for (start, stop), factor, before, after in zip(
                tile, factors, phases.before, phases.after, strict=True
            )
        ]
        blocks, mean = graph({PIXELS: extract_part(task.image, seen[0], seen[1])})
        check_finite(mean)
        place(blocks, factors, task.result[slice(*tile[0]), slice(*tile[1])])
