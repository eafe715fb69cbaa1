"""Progress of a batch: images and megapixels done, the rate, the time left."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from srcnn.image_task import ImageResult, ImageTask
from srcnn.reporting.report import written_megapixels

_MEGA = 1_000_000
_WINDOW_SECONDS = 60.0


class ProgressSnapshot(Protocol):
    """How far a run is, whatever it does."""

    @property
    def percent(self) -> float:
        """0 to 100."""

    @property
    def text(self) -> str:
        """One line for a log."""


@dataclass(frozen=True)
class BatchSnapshot:
    """How far a batch is, at one moment; images that are up to date do not count.

    Attributes:
        images: written or failed.
        images_total: to process.
        failed: of `images`.
        megapixels: of `images`, as planned.
        megapixels_total: of all images to process.
        megapixels_per_second: written during the last minute.
    """

    images: int
    images_total: int
    failed: int
    megapixels: float
    megapixels_total: float
    megapixels_per_second: float

    @property
    def percent(self) -> float:
        """0 to 100, by megapixels; exactly 100 when every image is done."""
        if self.images >= self.images_total:
            return 100.0
        return min(100.0, 100.0 * self.megapixels / self.megapixels_total)

    @property
    def seconds_left(self) -> float | None:
        """At the present rate; None while there is none."""
        if self.images >= self.images_total:
            return 0.0
        left = max(0.0, self.megapixels_total - self.megapixels)
        return left / self.megapixels_per_second if self.megapixels_per_second > 0 else None

    @property
    def text(self) -> str:
        """One line for a log."""
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.images} of {self.images_total} images, {self.megapixels:.1f} of "
            f"{self.megapixels_total:.1f} Mpx, {self.megapixels_per_second:.2f} Mpx/s{failed}"
        )


class Rate:
    """A rate over the last minute, or since the start."""

    def __init__(self, now: float) -> None:
        """Start at nothing.

        Args:
            now: seconds, of a monotonic clock.
        """
        self._samples = deque([(now, 0.0)])

    def add(self, now: float, amount: float) -> None:
        """Count what was done until now."""
        self._samples.append((now, self._samples[-1][1] + amount))
        while self._samples[1][0] < now - _WINDOW_SECONDS:
            self._samples.popleft()

    def per_second(self, now: float) -> float:
        """Return the rate; it falls while nothing is added."""
        since, before = self._samples[0]
        return (self._samples[-1][1] - before) / (now - since) if now > since else 0.0


class BatchProgress:
    """Counts results, from any thread; its caller passes each image once."""

    def __init__(self, tasks: Sequence[ImageTask]) -> None:
        """Start at nothing.

        Args:
            tasks: the images to come.
        """
        self._megapixels: dict[str | None, float] = {
            task.output: task.size_out.pixels / _MEGA for task in tasks
        }
        self._total = sum(self._megapixels.values())
        self._lock = threading.Lock()
        self._images = self._failed = 0
        self._done = 0.0
        self._rate = Rate(time.monotonic())

    def add(self, result: ImageResult) -> None:
        """Count an image that is done."""
        with self._lock:
            self._images += 1
            self._done += self._megapixels[result.output]
            self._failed += result.status == "failed"
            self._rate.add(time.monotonic(), written_megapixels(result))

    def snapshot(self) -> BatchSnapshot:
        """How far the batch is, now."""
        with self._lock:
            return BatchSnapshot(
                images=self._images,
                images_total=len(self._megapixels),
                failed=self._failed,
                megapixels=self._done,
                megapixels_total=self._total,
                megapixels_per_second=self._rate.per_second(time.monotonic()),
            )
