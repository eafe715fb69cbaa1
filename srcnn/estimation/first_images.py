"""Estimate how long a run takes from its own first images."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from srcnn.estimation.choose_sample import measure_work
from srcnn.estimation.interval import Interval
from srcnn.image_task import ImageResult, ImageTask

_FIRST_SECONDS = 10.0
_FIRST_SHARE = 0.05  # of the work
_LAST_SHARE = 0.5  # later, an estimate is of no use
_FEWEST_IMAGES = 3
_SLACK = 0.1
_SPREAD = 0.5  # of the rate of one image, relative


@dataclass(frozen=True)
class EarlyEstimate:
    """What a run will take, as it appeared after its first images.

    Attributes:
        seconds: of the whole run.
        images: done until then.
    """

    seconds: Interval
    images: int

    @property
    def fields(self) -> dict[str, Any]:
        """The estimate as the report has it."""
        return {"seconds": self.seconds.rounded(3), "bytes": None, "images": self.images}


class FirstImages:
    """Watches the first results of a run, from any thread.

    Attributes:
        estimate: made once; None before.
    """

    def __init__(
        self,
        tasks: Sequence[ImageTask],
        started: float,
        announce: Callable[[EarlyEstimate], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wait for the first result.

        Args:
            tasks: the images to come.
            started: when the run began, by the clock.
            announce: called with the estimate.
            clock: seconds.
        """
        self.estimate: EarlyEstimate | None = None
        self._work: dict[str | None, int] = {task.output: measure_work(task) for task in tasks}
        self._total = sum(self._work.values())
        self._started = started
        self._announce = announce
        self._clock = clock
        self._lock = threading.Lock()
        self._first = 0.0  # when the first image was done
        self._first_work = self._done = self._images = 0

    def watch(self, show: Callable[[ImageResult], None]) -> Callable[[ImageResult], None]:
        """Return a function that takes each result, and passes it on.

        Args:
            show: what it is passed to.
        """

        def pass_on(result: ImageResult) -> None:
            self.add(result)
            show(result)

        return pass_on

    def add(self, result: ImageResult) -> None:
        """Count an image that is done, and estimate once enough are."""
        with self._lock:
            if self.estimate:
                return
            now, work = self._clock(), self._work[result.output]
            self._images += 1
            self._done += work
            if self._images == 1:
                self._first, self._first_work = now, work
            self.estimate = estimate = self._estimate(now)
        if estimate:
            self._announce(estimate)

    def _estimate(self, now: float) -> EarlyEstimate | None:
        elapsed, share = now - self._first, self._done / self._total
        is_enough = elapsed >= _FIRST_SECONDS and self._images >= _FEWEST_IMAGES
        if not is_enough or not _FIRST_SHARE <= share <= _LAST_SHARE:
            return None
        # The time until the first image was done says little: others were in progress too.
        left = (self._total - self._done) * elapsed / (self._done - self._first_work)
        spread = left * (_SLACK + _SPREAD / math.sqrt(self._images - 1))
        seconds = now - self._started + left
        return EarlyEstimate(Interval(seconds - spread, seconds + spread), self._images)
