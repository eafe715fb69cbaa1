"""Run many small calls on a pool of threads, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TilePool:
    """A pool of threads that several pictures share.

    Attributes:
        executor: returns the executor that runs the calls. It is called for each picture, because
            a forked process has none of its parent's threads.
        threads: number of threads of the executor.
    """

    executor: Callable[[], Executor]
    threads: int

    def run(self, calls: Iterable[Callable[[], Any]]) -> None:
        """Run calls, and return when all have finished.

        At most two calls per thread are queued or running at a time, so that no picture fills
        the queue, and all pictures make progress.

        Args:
            calls: taken as they are needed. If the iterable raises, or a call fails, the
                remaining calls are not run.

        Raises:
            Exception: of the first call that failed; raised when no call is running any more.
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
