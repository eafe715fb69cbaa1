"""How far a batch is: images and megapixels done, the rate, the time left."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from srcnn.job import Outcome, Work
from srcnn.reporting.summary import megapixels

_MEGA = 1_000_000
_WINDOW_SECONDS = 60.0


class HowFar(Protocol):
    """How far a run is, whatever it does."""

    @property
    def percent(self) -> float:
        """0 to 100."""

    @property
    def text(self) -> str:
        """In words, for a log."""


@dataclass(frozen=True)
class Snapshot:
    """How far a batch is, at one moment; images that are up to date have no part in it.

    Attributes:
        images: that were written, or failed.
        images_total: to be made.
        failed: of `images`.
        megapixels: of `images`, as planned.
        megapixels_total: of all that are to be made.
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
        """0 to 100, by megapixels; exactly 100 when every image is accounted for."""
        if self.images >= self.images_total:
            return 100.0
        return min(100.0, 100.0 * self.megapixels / self.megapixels_total)

    @property
    def seconds_left(self) -> float | None:
        """At the present rate; None where there is none yet."""
        if self.images >= self.images_total:
            return 0.0
        left = max(0.0, self.megapixels_total - self.megapixels)
        return left / self.megapixels_per_second if self.megapixels_per_second > 0 else None

    @property
    def text(self) -> str:
        """In words, for a log."""
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
        """The rate; it falls while nothing is added."""
        since, before = self._samples[0]
        return (self._samples[-1][1] - before) / (now - since) if now > since else 0.0


class BatchProgress:
    """Counts outcomes, each image once, from any thread."""

    def __init__(
        self, work: Sequence[Work], on_image: Callable[[Outcome, Snapshot], None] | None = None
    ) -> None:
        """Start at nothing.

        Args:
            work: the images to come.
            on_image: called after each image, from the thread that made it.
        """
        self._megapixels = {item.source: item.size_out.pixels / _MEGA for item in work}
        self._total = sum(self._megapixels.values())
        self._on_image = on_image
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._done = 0.0
        self._failed = 0
        self._rate = Rate(time.monotonic())

    def add(self, outcome: Outcome) -> None:
        """Count an image, unless it was counted before or its turn never came."""
        with self._lock:
            if outcome.source in self._seen or outcome.not_attempted:
                return
            self._seen.add(outcome.source)
            self._done += self._megapixels[outcome.source]
            self._failed += outcome.status == "failed"
            self._rate.add(time.monotonic(), megapixels(outcome))
        # Outside of the lock: what shows the progress may ask for it.
        if self._on_image is not None:
            self._on_image(outcome, self.snapshot())

    def snapshot(self) -> Snapshot:
        """How far it is, now."""
        with self._lock:
            return Snapshot(
                images=len(self._seen),
                images_total=len(self._megapixels),
                failed=self._failed,
                megapixels=self._done,
                megapixels_total=self._total,
                megapixels_per_second=self._rate.per_second(time.monotonic()),
            )
