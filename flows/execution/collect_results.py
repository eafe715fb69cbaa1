"""The one consumer of results: it passes each image's on once, and applies the failure limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from srcnn.batch.cancellation import Cancellation
from srcnn.batch.failure_limit import FailureLimit
from srcnn.batch.known_failures import KnownFailures
from srcnn.image_results import ImageResults
from srcnn.image_task import ImageResult
from srcnn.planning.plan import Plan
from srcnn.reporting.report import complete_results, predict_results
from srcnn.reporting.summary import count_images


@dataclass(frozen=True)
class RunResult:
    """What became of a run's images.

    Attributes:
        images: one result for each output requested, by source.
        shown: outputs of those that were shown as the run went on.
        ended: why it ended early; empty if it did not.
        signal_number: of the signal that ended it; 0 if none did.
        is_fatal: whether it ended because it could not go on, and nobody asked for it.
    """

    images: ImageResults
    shown: set[str | None] = field(default_factory=set)
    ended: str = ""
    signal_number: int = 0
    is_fatal: bool = False

    @classmethod
    def predict(cls, plan: Plan) -> RunResult:
        """Return the result of a dry run: as if nothing failed."""
        return cls(predict_results(plan))

    @property
    def not_shown(self) -> Iterator[ImageResult]:
        """Results that nobody has seen yet, by source."""
        return (image for image in self.images if image.output not in self.shown)


class ResultCollector:
    """Receives results from any thread, and passes each image's on once.

    An image of this process comes twice: when it is done, and with its shard. Several may be of one
    source, but each has an output of its own.
    """

    def __init__(
        self,
        plan: Plan,
        failure_limit: FailureLimit | None,
        cancellation: Cancellation,
        show: Callable[[ImageResult], None],
        known: KnownFailures | None = None,
    ) -> None:
        """Count the images that failed before the work.

        Args:
            plan: of the run.
            failure_limit: the most that may fail, known failures apart; None for any number.
            cancellation: set when more images failed.
            show: called with each result of an image that was attempted.
            known: failures that were accepted.
        """
        self._plan = plan
        self._failure_limit = failure_limit
        self._cancellation = cancellation
        self._show = show
        self._known = known or KnownFailures()
        self._lock = threading.Lock()
        self._results: dict[str | None, ImageResult] = {}
        self._shown: set[str | None] = set()
        self._failed = sum(result.is_new_failure for result in plan.settled.others)
        self._enforce_limit()

    def add(self, result: ImageResult) -> None:
        """Take a result; the first one of an image counts."""
        result = self._known.mark(result)
        with self._lock:
            if result.output in self._results:
                return
            self._results[result.output] = result
            if result.not_attempted:
                return
            self._shown.add(result.output)
            self._failed += result.is_new_failure
        self._show(result)
        self._enforce_limit()

    def fail(self, result: ImageResult) -> None:
        """Take a failure of an image's whole shard; it counts in place of what was shown before.

        The image may be written, but nothing says so: the shard ended before its record.
        """
        with self._lock:
            before = self._results.get(result.output)
            self._results[result.output] = result
            self._failed += before is None or not before.is_new_failure or before.not_attempted
            is_new = result.output not in self._shown
            self._shown.add(result.output)
        if is_new:
            self._show(result)
        self._enforce_limit()

    def finish(self, signal_number: int) -> RunResult:
        """Return the results of all images, when no more will come.

        Args:
            signal_number: of the signal that ended the run; 0 if none did.
        """
        return RunResult(
            complete_results(self._plan, self._results),
            self._shown,
            self._cancellation.reason,
            signal_number,
            is_fatal=self._cancellation.fatal is not None,
        )

    def _enforce_limit(self) -> None:
        limit, failed = self._failure_limit, self._failed
        if limit and not limit.allows(failed, self._plan.requested):
            self._cancellation.cancel(
                f"{count_images(failed)} failed, more than --max-failures {limit} allows"
            )
