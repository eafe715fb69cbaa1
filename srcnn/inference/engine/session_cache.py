"""Loaded graphs, cached for the next picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from srcnn.inference.engine.bounded_cache import cache_within
from srcnn.inference.engine.graph_writer import PixelFormat
from srcnn.inference.engine.network import Network
from srcnn.runtime.onnx_session import Run

Write: TypeAlias = Callable[..., bytes]
"""Writes a graph for a network, a pixel format, and further arguments."""

_LIMIT_BYTES = 128 * 2**20
_FEWEST = 32  # graphs that are cached whatever they hold: enough for several pictures
# Memory of a session besides its weights, and copies of the weights in it: measured, rounded up.
_SESSION_BYTES, _COPIES = 2**18, 2


class SessionCache:
    """Loads graphs, and caches them by what they compute; threads may share it.

    Pictures with other factors have other network objects. Networks with the same weights are
    equal, and share their graphs.
    """

    def __init__(
        self, load: Callable[[bytes], Run], limit_bytes: int = _LIMIT_BYTES, held_bytes: int = 0
    ) -> None:
        """Create an empty cache.

        Args:
            load: loads an ONNX file.
            limit_bytes: of memory for cached graphs; one graph is cached, however large.
            held_bytes: memory that a graph keeps between runs; that of a few graphs is added to
                the limit.
        """
        self._load = load
        self._limit_bytes = limit_bytes + _FEWEST * held_bytes
        self._held_bytes = held_bytes
        self._cached = cache_within(
            self._load_sized, self._limit_bytes, lambda loaded: loaded[1], lambda *key: key
        )

    def __call__(
        self, write: Write, network: Network, pixel_format: PixelFormat, *more: Any
    ) -> Run:
        """Write and load a graph, or take it from the cache.

        Args:
            write: writes the graph for the other arguments.
            network: that the graph computes.
            pixel_format: of the pixels.
            more: further arguments of `write`.
        """
        return self._cached(write, network, pixel_format, *more)[0]

    def _load_sized(self, write: Write, *arguments: Any) -> tuple[Run, int]:
        content = write(*arguments)
        size = _COPIES * len(content) + _SESSION_BYTES + self._held_bytes
        return self._load(content), min(size, self._limit_bytes)
