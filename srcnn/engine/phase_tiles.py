"""Tiles of whole pixels of the picture, each computed phase by phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import product
from typing import TypeAlias

from srcnn.engine.network import Network
from srcnn.engine.phase_graph import PhaseGraph
from srcnn.engine.pixels import Box, Range, Task, part_of, place
from srcnn.engine.tiles import cut
from srcnn.engine.writer import PIXELS, Kind
from srcnn.session import Run, check_finite

Factors: TypeAlias = tuple[int, int]
"""Whole factors of the height and the width."""

_GRAPHS = 64  # kept ready: factors, depths and channels of a batch


class PhaseTiles:
    """A network's tiles at whole factors."""

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

        def graph_of(kind: Kind, factors: Factors) -> Run:
            return load(self._phases(kind.channels, factors).content(kind))

        self._phases = lru_cache(_GRAPHS)(
            lambda channels, factors: PhaseGraph(networks(channels), factors)
        )
        self._graph = lru_cache(_GRAPHS)(graph_of)

    def macs_per_pixel(self, channels: int, factors: Factors) -> float:
        """Multiplications for each pixel of the result; infinite for a network of another form."""
        if not self._networks(channels).has_phases:
            return math.inf
        return self._phases(channels, factors).macs_per_pixel

    def calls(self, task: Task, factors: Factors, box: Box) -> Iterator[Callable[[], None]]:
        """One call for each tile.

        Args:
            task: the picture.
            factors: that lead from it to its result.
            box: of the result, away from its border; begins and ends at whole cells.
        """
        rows, columns = (
            cut(start, stop, self._tile_px, factor)
            for (start, stop), factor in zip(box, factors, strict=True)
        )
        graph = self._graph(task.kind, factors)  # here, or each core would load its own
        for tile in product(rows, columns):
            yield partial(self._compute, graph, task, factors, tile)

    def _compute(self, graph: Run, task: Task, factors: Factors, tile: Box) -> None:
        phases = self._phases(task.kind.channels, factors)
        seen: list[Range] = [
            (start // factor + before, stop // factor + after)
            for (start, stop), factor, before, after in zip(
                tile, factors, phases.before, phases.after, strict=True
            )
        ]
        blocks, mean = graph({PIXELS: part_of(task.image, seen[0], seen[1])})
        check_finite(mean)
        place(blocks, factors, task.result[slice(*tile[0]), slice(*tile[1])])
