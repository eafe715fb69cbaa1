"""From what a sample took to what all images will take, as ranges."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from srcnn.estimation.choose_sample import Sample, SampleGroup
from srcnn.estimation.interval import Interval
from srcnn.estimation.measure import Measurement
from srcnn.estimation.time_sample import MeasuredGroup, Round
from srcnn.image_task import Failure

_ERRORS = 2.0  # standard errors on either side, about 95 %
# Chosen, not derived: a machine is not as fast at all times, and a sample of images does not show
# all that takes time.
_SLACK = 0.15
_FINISH_SECONDS = 1.0  # the report, its page and its pictures
_ONE_ROUND = 0.15  # relative standard error of one round
_ONE_IMAGE = 0.4  # of one image, and of what was not measured
_BYTES_SLACK = 0.03
_SHORTEST_SECONDS = 1e-9


class _Value(NamedTuple):
    """A value, and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        seconds: in all.
        output_bytes: of the files it writes.
        images: that were tried.
        failures: of these, by source: possible failures of the run.
        measured_seconds: that the measurement took.
        read_bytes_per_second: of the source, as fast as a run reads it.
    """

    seconds: Interval
    output_bytes: Interval
    images: int
    failures: dict[str, Failure]
    measured_seconds: float
    read_bytes_per_second: float

    @property
    def fields(self) -> dict[str, Any]:
        """The estimate as the report has it."""
        return {
            "seconds": self.seconds.rounded(3),
            "bytes": [round(value) for value in self.output_bytes],
            "images": self.images,
            "failures": [
                {"source": name, "type": each.type, "message": each.message}
                for name, each in self.failures.items()
            ],
        }


def extrapolate(sample: Sample, measured: Measurement, before_seconds: float) -> Estimate | None:
    """Estimate what all images take.

    Args:
        sample: of the plan.
        measured: what it took.
        before_seconds: that the run takes before its first image: the model and the plan.

    Returns:
        The estimate; None if none of the images could be processed.
    """
    pairs = list(zip(sample.groups, measured.groups, strict=True))
    rates = [_estimate_rate(each.rounds) for each in measured.groups]
    known = [rate for rate in rates if rate]
    if sample.groups and not known:
        return None
    computing = _add(
        _scale(rate or _guess(known), group.work)
        for rate, group in zip(rates, sample.groups, strict=True)
    )
    sizes = [_estimate_bytes(group, each) for group, each in pairs]
    densities = [size for size in sizes if size]
    written = _add(
        _scale(size or _guess(densities), group.encoded_pixels)
        for size, (group, _) in zip(sizes, pairs, strict=True)
    )
    reading = _estimate_reading(sample, measured)
    seconds = _widen(computing, _SLACK)
    return Estimate(
        Interval(
            max(seconds.low, reading.low), max(seconds.high, reading.high) + _FINISH_SECONDS
        ).shift(before_seconds),
        _widen(written, _BYTES_SLACK).shift(sample.known_bytes),
        measured.images,
        measured.failures,
        measured.seconds,
        measured.transfers * measured.read_bytes / max(measured.read_seconds, _SHORTEST_SECONDS),
    )


def _estimate_rate(rounds: Sequence[Round]) -> _Value | None:
    """Estimate the seconds for each pixel of work."""
    rates = [each.seconds / each.work for each in rounds]
    return _average(rates, _ONE_ROUND) if rounds else None


def _estimate_bytes(group: SampleGroup, measured: MeasuredGroup) -> _Value | None:
    """Estimate the bytes for each pixel of a result."""
    if not measured.outputs:
        return None
    value = _average([each.content_bytes / each.pixels for each in measured.outputs], _ONE_IMAGE)
    if len(measured.outputs) < group.count:
        return value
    # Every image was measured; what was measured in parts is still an estimate.
    total = sum(each.pixels for each in measured.outputs)
    parts = sum(each.pixels for each in measured.outputs if each.is_part)
    mean = sum(each.content_bytes for each in measured.outputs) / total
    return _Value(mean, value.error * parts / total)


def _estimate_reading(sample: Sample, measured: Measurement) -> Interval:
    """Estimate how long reading takes, if nothing else does: by bytes, and by files."""
    if not measured.read_files:
        return Interval(0, 0)
    seconds = measured.read_seconds / measured.transfers
    by_bytes = seconds * sample.source_bytes / max(1, measured.read_bytes)
    by_files = seconds * sample.count / measured.read_files
    return Interval(min(by_bytes, by_files), max(by_bytes, by_files))


def _average(values: Sequence[float], error_of_one: float) -> _Value:
    mean = statistics.fmean(values)
    if len(values) == 1:
        return _Value(mean, error_of_one * mean)
    return _Value(mean, statistics.stdev(values) / math.sqrt(len(values)))


def _guess(values: Sequence[_Value]) -> _Value:
    """Return what a group of which nothing is known may be like."""
    if not values:
        return _Value(0, 0)
    mean = statistics.fmean(value.mean for value in values)
    return _Value(mean, max(_ONE_IMAGE * mean, *(value.error for value in values)))


def _scale(value: _Value, factor: float) -> _Value:
    return _Value(value.mean * factor, value.error * factor)


def _add(values: Iterable[_Value]) -> _Value:
    """Add values whose errors are independent."""
    found = list(values)
    return _Value(sum(each.mean for each in found), math.hypot(*(each.error for each in found)))


def _widen(value: _Value, slack: float) -> Interval:
    spread = _ERRORS * value.error + slack * value.mean
    return Interval(max(0.0, value.mean - spread), value.mean + spread)
