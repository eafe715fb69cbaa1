"""Reading ahead and writing behind: transfers run while pixels are computed, in bounded memory.

Knows nothing of images: two small queues around whatever is done between them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Bounds:
    """How much may be on its way at a time, in one direction.

    Attributes:
        transfers: files.
        buffer_bytes: their content; a file that is larger by itself goes alone.
    """

    transfers: int
    buffer_bytes: int


class Queue(Generic[Item, Result]):
    """Calls in threads, given and taken in the same order."""

    def __init__(self, pool: Executor, bounds: Bounds) -> None:
        """Start empty.

        Args:
            pool: runs the calls.
            bounds: of what is on its way.
        """
        self._pool = pool
        self._bounds = bounds
        self._waiting: deque[tuple[Item, int, Future[Result]]] = deque()
        self._held = 0

    def put(
        self, item: Item, size: int, call: Callable[[], Result]
    ) -> Iterator[tuple[Item, Future[Result]]]:
        """Begin a call as soon as there is room, which may need results to be taken first.

        Args:
            item: what the call is for.
            size: bytes that it holds on to.
            call: what to run.

        Yields:
            Items and calls that had to be taken, the oldest first.
        """
        while self._waiting and self._is_full(size):
            yield self._taken()
        self._held += size
        self._waiting.append((item, size, self._pool.submit(call)))

    def rest(self) -> Iterator[tuple[Item, Future[Result]]]:
        """What is still waiting, the oldest first."""
        while self._waiting:
            yield self._taken()

    def _is_full(self, size: int) -> bool:
        bounds = self._bounds
        too_many = len(self._waiting) >= bounds.transfers
        return too_many or self._held + size > bounds.buffer_bytes

    def _taken(self) -> tuple[Item, Future[Result]]:
        item, size, future = self._waiting.popleft()
        self._held -= size
        return item, future


def read_ahead(
    queue: Queue[Item, Result],
    items: Iterable[Item],
    size_of: Callable[[Item], int],
    read: Callable[[Item], Result],
) -> Iterator[tuple[Item, Future[Result]]]:
    """Read the next items while the caller works on one.

    Args:
        queue: bounds what is read ahead.
        items: to read, in order.
        size_of: bytes that an item's content will hold.
        read: its content.
    """
    for item in items:
        yield from queue.put(item, size_of(item), lambda item=item: read(item))  # type: ignore[misc] # a default binds the item of this turn
    yield from queue.rest()
