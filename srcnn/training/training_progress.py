"""The progress of a training, and its validations. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from srcnn.training.training_record import Point
from srcnn.training.training_spec import TrainingSpec

_MINUTE, _HOUR = 60, 3600


class Running(Protocol):
    """A running training: `srcnn.training.trainer.Trainer`."""

    step: int
    seconds: float

    @property
    def done(self) -> float:
        """Share of the training that is done, 0 to 1."""


@dataclass(frozen=True)
class TrainingSnapshot:
    """The progress of a training at one moment.

    Attributes:
        spec: of the training.
        step: number of steps so far.
        seconds: of training so far, over all starts.
        done: share of the whole training, 0 to 1.
        gains: of the last validation, in dB by factor; empty before the first.
    """

    spec: TrainingSpec
    step: int
    seconds: float
    done: float
    gains: dict[float, float]

    @property
    def percent(self) -> float:
        """The share that is done, in percent."""
        return 100 * self.done

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the rate so far; None if nothing is done yet."""
        return self.seconds * (1 - self.done) / self.done if self.done else None

    @property
    def where(self) -> str:
        """Steps and time, for messages."""
        steps = f" of {self.spec.steps}" if self.spec.steps else ""
        hours = f" of {_format_duration(self.spec.hours * _HOUR)}" if self.spec.hours else ""
        return f"step {self.step}{steps}, {_format_duration(self.seconds)}{hours}"

    @property
    def text(self) -> str:
        """Steps, time and the gain at each anchor, for a log."""
        anchors = [factor for factor in self.spec.anchors if factor in self.gains]
        gained = ", ".join(f"x{factor:g} {self.gains[factor]:+.2f} dB" for factor in anchors)
        return f"{self.where}: gain over bicubic {gained}" if gained else self.where


class TrainingProgress:
    """Tracks a training; may be read from any thread."""

    def __init__(self, spec: TrainingSpec, points: Sequence[Point]) -> None:
        """Start without a running training.

        Args:
            spec: of the training.
            points: validations of earlier starts.
        """
        self.spec = spec
        self._points = list(points)
        self._running: Running | None = None
        self._lock = threading.Lock()

    def follow(self, running: Running) -> None:
        """Read the progress from this training from now on."""
        with self._lock:
            self._running = running

    def add(self, point: Point) -> bool:
        """Add a validation; return False if it is not a new one."""
        with self._lock:
            if self._points and self._points[-1].step >= point.step:
                return False
            self._points.append(point)
            return True

    @property
    def points(self) -> list[Point]:
        """The validations so far."""
        with self._lock:
            return list(self._points)

    def snapshot(self) -> TrainingSnapshot:
        """Return the current progress."""
        with self._lock:
            running, last = self._running, self._points[-1:]
        gains = last[0].gains if last else {}
        if running is None:
            step, seconds = (last[0].step, last[0].seconds) if last else (0, 0.0)
            return TrainingSnapshot(self.spec, step, seconds, 0.0, gains)
        return TrainingSnapshot(self.spec, running.step, running.seconds, running.done, gains)


def _format_duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
