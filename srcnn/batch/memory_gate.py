"""Gates that bound what a process holds, in number and in bytes.

Knows nothing of images. A holder waits at a gate until there is room behind it, and only then
leaves the one before. So memory is bounded at every stage, and a holder that waits at a later gate
does not block others at an earlier one.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import Self


class MemoryGate:
    """A bounded stage; first come, first served, so that large holders are not starved."""

    def __init__(self, places: int, capacity_bytes: int) -> None:
        """Start empty.

        Args:
            places: how many may be inside, 1 or more.
            capacity_bytes: what they may hold together; a larger holder is admitted alone.
        """
        self._places = places
        self._capacity_bytes = capacity_bytes
        self._inside = 0
        self._held_bytes = 0
        self._lock = threading.Lock()
        self._queue: deque[tuple[int, threading.Event]] = deque()

    def enter(self, size_bytes: int) -> None:
        """Wait for room, and take it."""
        with self._lock:
            if not self._queue and self._fits(size_bytes):
                self._take(size_bytes)
                return
            admitted = threading.Event()
            self._queue.append((size_bytes, admitted))
        admitted.wait()

    def leave(self, size_bytes: int) -> None:
        """Give back what `enter` took."""
        with self._lock:
            self._inside -= 1
            self._held_bytes -= size_bytes
            self._admit()

    def _admit(self) -> None:
        """Admit the first in the queue while there is room; nobody else is woken."""
        while self._queue and self._fits(self._queue[0][0]):
            size_bytes, admitted = self._queue.popleft()
            self._take(size_bytes)
            admitted.set()

    def _take(self, size_bytes: int) -> None:
        self._inside += 1
        self._held_bytes += size_bytes

    def _fits(self, size_bytes: int) -> bool:
        if not self._inside:
            return True
        return self._inside < self._places and self._held_bytes + size_bytes <= self._capacity_bytes


class GateHolder:
    """Passes through gates, in one at a time; the last one is left at the end of the block.

    All holders must pass the gates in the same order, or two could wait for each other.
    """

    def __init__(self) -> None:
        """Start outside of every gate."""
        self._gate: MemoryGate | None = None
        self._size_bytes = 0

    def advance(self, gate: MemoryGate, size_bytes: int) -> None:
        """Wait at the next gate, enter it, and leave the one before.

        Args:
            gate: the next one.
            size_bytes: what is held from now on.
        """
        gate.enter(size_bytes)
        self.leave()
        self._gate, self._size_bytes = gate, size_bytes

    def leave(self) -> None:
        """Leave the last gate, if there was one."""
        if self._gate is not None:
            self._gate.leave(self._size_bytes)
            self._gate = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last gate."""
        self.leave()
