"""How far a training is, and what its validations gave. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from srcnn.training.training_record import Point
from srcnn.training.training_spec import TrainingSpec

_MINUTE, _HOUR = 60, 3600


class Running(Protocol):
    """A training at work: `srcnn.training.trainer.Trainer`."""

    step: int
    seconds: float

    @property
    def done(self) -> float:
        """Share of the training that lies behind, 0 to 1."""


@dataclass(frozen=True)
class TrainingSnapshot:
    """How far a training is, at one moment.

    Attributes:
        spec: of the training.
        step: done by now.
        seconds: of training by now, over all starts.
        done: share of the whole, 0 to 1.
        gains: of the last validation, in dB by factor; empty before the first.
    """

    spec: TrainingSpec
    step: int
    seconds: float
    done: float
    gains: dict[float, float]

    @property
    def percent(self) -> float:
        """0 to 100."""
        return 100 * self.done

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None where there is none yet."""
        return self.seconds * (1 - self.done) / self.done if self.done else None

    @property
    def where(self) -> str:
        """Steps and time, in words."""
        steps = f" of {self.spec.steps}" if self.spec.steps else ""
        hours = f" of {_duration(self.spec.hours * _HOUR)}" if self.spec.hours else ""
        return f"step {self.step}{steps}, {_duration(self.seconds)}{hours}"

    @property
    def text(self) -> str:
        """In words, for a log: what each anchor gained."""
        anchors = [factor for factor in self.spec.anchors if factor in self.gains]
        gained = ", ".join(f"x{factor:g} {self.gains[factor]:+.2f} dB" for factor in anchors)
        return f"{self.where}: gain over bicubic {gained}" if gained else self.where


class TrainingProgress:
    """Follows a training; asked from any thread."""

    def __init__(self, spec: TrainingSpec, points: Sequence[Point]) -> None:
        """Nothing is at work yet.

        Args:
            spec: of the training.
            points: validations of earlier starts.
        """
        self.spec = spec
        self._points = list(points)
        self._running: Running | None = None
        self._lock = threading.Lock()

    def follow(self, running: Running) -> None:
        """Look at this one from now on."""
        with self._lock:
            self._running = running

    def add(self, point: Point) -> bool:
        """Remember a validation; False where it is no new one."""
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
        """How far it is, now."""
        with self._lock:
            running, last = self._running, self._points[-1:]
        gains = last[0].gains if last else {}
        if running is None:
            step, seconds = (last[0].step, last[0].seconds) if last else (0, 0.0)
            return TrainingSnapshot(self.spec, step, seconds, 0.0, gains)
        return TrainingSnapshot(self.spec, running.step, running.seconds, running.done, gains)


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
