"""A short soak, as `make soak` runs it with thousands of images."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.hostile.soak import MEMORY_GROWTH_BYTES, Figures, Sample, soak


def test_every_image_of_a_soak_is_accounted_for(tmp_path: Path) -> None:
    figures, samples = soak(60, tmp_path)
    assert figures.counts["requested"] == 60
    assert figures.counts["written"] > figures.counts["failed"] > 0
    assert figures.peak_bytes >= max(sample.memory_bytes for sample in samples) > 50 << 20
    assert figures.after.threads > 2
    assert figures.after.descriptors > 2


@pytest.mark.parametrize(
    ("growth", "flat"),
    [
        (Sample(0, 0, 0), True),
        (Sample(MEMORY_GROWTH_BYTES + 1, 0, 0), False),
        (Sample(0, 2, 0), False),
        (Sample(0, 0, 2), False),
    ],
)
def test_growth_is_seen(*, growth: Sample, flat: bool) -> None:
    before = Sample(300 << 20, 20, 12)
    grown = Sample(
        before.memory_bytes + growth.memory_bytes,
        before.descriptors + growth.descriptors,
        before.threads + growth.threads,
    )
    figures = Figures({}, 1.0, 0, before, before)
    assert replace(figures, after=grown).is_flat == flat
