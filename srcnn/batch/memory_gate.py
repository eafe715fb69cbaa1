"""Room for what is in hand: bounds in number and in bytes, shared by the threads of a process.

Knows nothing of images. Who wants to go on waits, in turn, until there is room in the next
room, and only then leaves the one before: memory is bounded at every step of the way, and
nobody who waits further along holds up those who could leave.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import Self


class Room:
    """A bounded room; first come, first served, so that large guests are not passed for ever."""

    def __init__(self, places: int, capacity_bytes: int) -> None:
        """Start empty.

        Args:
            places: how many may be inside, 1 or more.
            capacity_bytes: what they may hold together; who holds more goes in alone.
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
        """Let in who comes first, while there is room: nobody else is woken."""
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


class Stay:
    """A way through rooms, in one at a time; the last one is left at the end of the block.

    All ways must lead through the rooms in one order, or two could wait for each other.
    """

    def __init__(self) -> None:
        """Start outside."""
        self._room: Room | None = None
        self._size_bytes = 0

    def move(self, room: Room, size_bytes: int) -> None:
        """Wait for room in the next room, and leave the one before.

        Args:
            room: the next one.
            size_bytes: what is held on to from now.
        """
        room.enter(size_bytes)
        self._leave()
        self._room, self._size_bytes = room, size_bytes

    def _leave(self) -> None:
        if self._room is not None:
            self._room.leave(self._size_bytes)
            self._room = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last room."""
        self._leave()
