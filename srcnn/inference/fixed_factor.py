"""Run a network whose graph has a fixed factor: by the engine, if the result has its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from srcnn.geometry import Factor
from srcnn.inference.any_graph.any_graph import AnyGraph
from srcnn.inference.engine.engine import Engine


class FixedFactor:
    """An engine for one factor; results of other sizes are made by the graph, and resized."""

    def __init__(self, factor: Factor, engine: Engine, graph: AnyGraph) -> None:
        """Create the enlarger.

        Args:
            factor: of the graph.
            engine: of the graph's network.
            graph: the same graph, run as it is.
        """
        self._factor = factor
        self._engine = engine
        self._graph = graph

    @property
    def tiles_bytes(self) -> int:
        """What tiles of the graph may take; those of the engine are small."""
        return self._graph.tiles_bytes

    def enlarge(
        self,
        image: npt.NDArray[Any],
        result: npt.NDArray[Any],
        quality: float,
        raise_if_cancelled: Callable[[], None],
    ) -> tuple[str, ...]:
        """Fill the result; see `engine.Engine.enlarge` and `AnyGraph.enlarge`."""
        factors = self._factor.height, self._factor.width
        sides = zip(image.shape[:2], result.shape[:2], factors, strict=True)
        # At fractional sizes the graph's pixels lie elsewhere: it divides by its factor, and the
        # engine by the quotient of the sizes.
        is_exact = all(after == before * factor for before, after, factor in sides)
        enlarger = self._engine if is_exact else self._graph
        return enlarger.enlarge(image, result, quality, raise_if_cancelled)
