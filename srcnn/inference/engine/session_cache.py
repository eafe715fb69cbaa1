"""Loaded graphs, cached for the next picture."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from typing import Any, TypeAlias

from cachetools import LRUCache, cached

from srcnn.inference.engine.network import Network
from srcnn.runtime.onnx_session import Run

Write: TypeAlias = Callable[..., bytes]
"""Writes a graph for a network and further arguments."""

_LIMIT_BYTES = 128 * 2**20
# Memory of a session besides its weights, and copies of the weights in it: measured, rounded up.
_SESSION_BYTES, _COPIES = 2**18, 2


class SessionCache:
    """Loads graphs, and caches them by what they compute; threads may share it.

    Pictures with other factors have other network objects. Networks with the same weights are
    equal, and share their graphs. If several threads ask for a graph, one loads it, and the others
    wait.
    """

    def __init__(self, load: Callable[[bytes], Run], limit_bytes: int = _LIMIT_BYTES) -> None:
        """Create an empty cache.

        Args:
            load: loads an ONNX file.
            limit_bytes: of memory for cached graphs; one graph is cached, however large.
        """
        self._load = load
        self._limit_bytes = limit_bytes
        cache: LRUCache[Any, Any] = LRUCache(limit_bytes, getsizeof=lambda loaded: loaded[1])
        self._cached = cached(cache, condition=Condition())(self._load_sized)

    def __call__(self, write: Write, network: Network, *more: Any) -> Run:
        """Write and load a graph, or take it from the cache.

        Args:
            write: writes the graph for the other arguments.
            network: that the graph computes.
            more: further arguments of `write`.
        """
        return self._cached(write, network, *more)[0]

    def _load_sized(self, write: Write, *arguments: Any) -> tuple[Run, int]:
        content = write(*arguments)
        size = _COPIES * len(content) + _SESSION_BYTES
        return self._load(content), min(size, self._limit_bytes)
