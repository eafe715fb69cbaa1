"""Counts what becomes of a run's images, and ends it when too many failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from srcnn.batch.cancellation import Control
from srcnn.batch.failure_limit import FailureLimit
from srcnn.job import Outcome


class Tally:
    """Hears of every image from any thread, of some twice: when made, and with the shard."""

    def __init__(
        self,
        run: Control,
        requested: int,
        limit: FailureLimit | None,
        show: Callable[[Outcome], None],
    ) -> None:
        """Start at nothing.

        Args:
            run: ended when the limit is passed.
            requested: images in all.
            limit: the most that may fail; None for any number.
            show: told of each image.
        """
        self._run = run
        self._requested = requested
        self._limit = limit
        self._show = show
        self._lock = threading.Lock()
        self._failed: set[str] = set()

    def add(self, outcome: Outcome) -> None:
        """Count an image."""
        self._show(outcome)
        self.count_failures([outcome])

    def count_failures(self, outcomes: Iterable[Outcome]) -> None:
        """Count those that failed, without showing them: they failed before the work began."""
        with self._lock:
            self._failed.update(
                outcome.source
                for outcome in outcomes
                if outcome.error and not outcome.not_attempted
            )
            failed = len(self._failed)
        if self._limit and not self._limit.allows(failed, self._requested):
            self._run.end(
                f"{failed} images failed, more than --max-failures {self._limit.text} allows"
            )
