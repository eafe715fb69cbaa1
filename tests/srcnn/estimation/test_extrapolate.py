"""From a sample to all images: what is measured exactly is scaled exactly, the rest is a range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.estimation.choose_sample import Sample, SampleGroup
from srcnn.estimation.extrapolate import extrapolate
from srcnn.estimation.measure import Measurement
from srcnn.estimation.time_sample import MeasuredGroup, OutputSize, Round
from srcnn.image_task import Failure

BROKEN = {"a.png": Failure("DamagedImage", "the file is truncated")}


def make_sample(*works: int, known_bytes: int = 0) -> Sample:
    groups = [SampleGroup(100, work, work, []) for work in works]
    return Sample(groups, 100 * len(works), 1_000_000, known_bytes)


def make_measurement(
    *groups: MeasuredGroup, read_seconds: float = 0.0, failures: dict[str, Failure] | None = None
) -> Measurement:
    return Measurement(list(groups), failures or {}, 24, 8.0, 24, 240_000, read_seconds, 16)


def make_group(*rates: float, content_bytes: int = 1500, pixels: int = 1000) -> MeasuredGroup:
    rounds = [Round(rate * 1000, 1000) for rate in rates]
    return MeasuredGroup(rounds, [OutputSize(pixels, content_bytes, is_part=False)] * 8)


@given(
    st.lists(st.floats(1e-7, 1e-4), min_size=1, max_size=3),
    st.integers(1, 10**12),
    st.floats(0, 1000),
)
def test_the_range_holds_the_mean_of_the_rounds(
    rates: list[float], work: int, before: float
) -> None:
    estimate = extrapolate(make_sample(work), make_measurement(make_group(*rates)), before)
    assert estimate
    expected = sum(rates) / len(rates) * work + before
    assert before <= estimate.seconds.low <= expected <= estimate.seconds.high


@given(st.floats(1e-7, 1e-4), st.integers(1, 10**9), st.integers(2, 10))
def test_twice_the_work_takes_twice_the_time(rate: float, work: int, times: int) -> None:
    group = make_measurement(make_group(rate, 1.1 * rate))
    once, more = (extrapolate(make_sample(work * n), group, 0) for n in (1, times))
    assert once
    assert more
    assert more.seconds.low == pytest.approx(times * once.seconds.low)
    assert more.output_bytes.high == pytest.approx(times * once.output_bytes.high)


def test_rounds_that_differ_widen_the_range() -> None:
    widths = []
    for rates in ((1e-6, 1e-6), (0.8e-6, 1.2e-6), (0.5e-6, 1.5e-6)):
        found = extrapolate(make_sample(10**8), make_measurement(make_group(*rates)), 0)
        assert found
        widths.append(found.seconds.high - found.seconds.low)
    assert widths[0] < widths[1] < widths[2]


def test_bytes_are_those_of_each_group_and_of_files_that_are_copied() -> None:
    groups = (make_group(1e-6, content_bytes=1000), make_group(1e-6, content_bytes=3000))
    sample = make_sample(10_000, 20_000, known_bytes=5000)
    found = extrapolate(sample, make_measurement(*groups), 0)
    assert found
    expected = 10_000 * 1 + 20_000 * 3
    assert found.output_bytes.low < expected + 5000 < found.output_bytes.high
    assert found.output_bytes.high - found.output_bytes.low < 0.1 * expected


def test_a_group_that_could_not_be_measured_costs_about_as_the_others() -> None:
    lost = MeasuredGroup()
    found = extrapolate(make_sample(10**8, 10**8), make_measurement(make_group(1e-6), lost), 0)
    assert found
    assert found.seconds.low < 200 < found.seconds.high
    assert found.output_bytes.low < 3 * 10**8 < found.output_bytes.high


def test_no_image_that_can_be_processed_gives_no_estimate() -> None:
    assert (
        extrapolate(make_sample(1000), make_measurement(MeasuredGroup(), failures=BROKEN), 0)
        is None
    )


def test_failures_of_the_sample_are_kept() -> None:
    found = extrapolate(make_sample(1000), make_measurement(make_group(1e-6), failures=BROKEN), 0)
    assert found
    assert found.failures == BROKEN
    assert found.fields["failures"] == [
        {"source": "a.png", "type": "DamagedImage", "message": "the file is truncated"}
    ]


def test_a_slow_source_is_what_the_run_waits_for() -> None:
    # 24 files of 10 kB took 16 s, 16 at a time: 100 of them, and 1 MB, take about 4 s.
    measured = make_measurement(make_group(1e-9), read_seconds=16)
    found = extrapolate(make_sample(1000), measured, 0)
    assert found
    assert found.seconds.low == pytest.approx(100 / 24)
    assert found.read_bytes_per_second == pytest.approx(240_000)
