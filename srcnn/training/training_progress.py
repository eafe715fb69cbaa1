"""The progress of a training, and its validations. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from srcnn.quality.conditions import Condition, name_quality
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
        gains: of the last validation, in dB by condition; empty before the first.
    """

    spec: TrainingSpec
    step: int
    seconds: float
    done: float
    gains: dict[Condition, float]

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
        """Steps, time and the gains, for a log."""
        lines = summarise_gains(self.gains, self.spec)
        gained = ", ".join(f"{name} {gain:+.2f} dB" for name, gain in lines.items())
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


def summarise_gains(gains: Mapping[Condition, float], spec: TrainingSpec) -> dict[str, float]:
    """Name a validation's gains: of each factor, or of each quality the mean over factors.

    Args:
        gains: by condition.
        spec: of the training; only its anchors are shown.
    """
    shown = [
        condition
        for condition in gains
        if condition.factor in spec.anchors and condition.quality in spec.qualities
    ]
    if len(spec.qualities) == 1:
        return {condition.text: gains[condition] for condition in shown}
    by_quality: dict[float, list[float]] = {}
    for condition in shown:
        by_quality.setdefault(condition.quality, []).append(gains[condition])
    return {
        name_quality(quality): fmean(each)
        for quality, each in sorted(by_quality.items(), reverse=True)
    }


def _format_duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
