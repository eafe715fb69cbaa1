"""Graphs that are ready to run, kept for the next picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from srcnn.inference.engine.bounded_cache import kept
from srcnn.inference.engine.graph_writer import PixelFormat
from srcnn.inference.engine.network import Network
from srcnn.runtime.onnx_session import Run

Write: TypeAlias = Callable[..., bytes]
"""Writes a graph: of a network, a kind of pixels, and what else tells it from others."""

_KEPT_BYTES = 128 * 2**20
_FEWEST = 32  # that are kept however much they hold: some pictures' worth
# What a session takes beside its weights, and how often it holds these: measured, rounded up.
_SESSION_BYTES, _COPIES = 2**18, 2


class SessionCache:
    """Graphs by what they compute; threads may share it.

    Networks come and go with the factors of pictures. Those with the same weights are the same.
    """

    def __init__(
        self, load: Callable[[bytes], Run], limit_bytes: int = _KEPT_BYTES, held_bytes: int = 0
    ) -> None:
        """Load nothing yet.

        Args:
            load: makes an ONNX file ready to run.
            limit_bytes: of memory for what is kept; one graph is, however large.
            held_bytes: that a graph keeps for its next run; room for some comes on top.
        """
        self._load = load
        self._limit_bytes = limit_bytes + _FEWEST * held_bytes
        self._held_bytes = held_bytes
        self._kept = kept(self._made, self._limit_bytes, lambda made: made[1], lambda *about: about)

    def __call__(self, write: Write, network: Network, kind: PixelFormat, *more: Any) -> Run:
        """A graph, ready to run.

        Args:
            write: gives its content for the rest of the arguments.
            network: what it computes.
            kind: of its pixels.
            more: what else `write` takes.
        """
        return self._kept(write, network, kind, *more)[0]

    def _made(self, write: Write, *about: Any) -> tuple[Run, int]:
        content = write(*about)
        size = _COPIES * len(content) + _SESSION_BYTES + self._held_bytes
        return self._load(content), min(size, self._limit_bytes)
