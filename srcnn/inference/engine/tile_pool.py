"""Many small calls on a pool of threads, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TilePool:
    """A pool of threads that pictures share.

    Attributes:
        executor: gives the pool that runs the calls. It is asked for each picture: a process that
            was forked has no threads of its parent's.
        threads: that the pool has.
    """

    executor: Callable[[], Executor]
    threads: int

    def run(self, calls: Iterable[Callable[[], Any]]) -> None:
        """Run calls, and return when the last has ended.

        No more than two for each thread wait or run at a time: no picture fills the queue, and
        all get their turn.

        Args:
            calls: made as they are needed; what that raises ends the rest, as a failed call does.

        Raises:
            Exception: that of the first call that failed, when no call is running any more.
        """
        executor = self.executor()
        waiting: deque[Future[Any]] = deque()
        try:
            for call in calls:
                if len(waiting) >= 2 * self.threads:
                    waiting.popleft().result()
                waiting.append(executor.submit(call))
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            wait(waiting)
