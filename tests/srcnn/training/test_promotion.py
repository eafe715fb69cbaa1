"""The verdict between two models, and the progress and chart of a training."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.geometry import Size
from srcnn.quality.compare import bicubic
from srcnn.quality.degradation import Picture
from srcnn.training.gain_chart import draw_gain_chart
from srcnn.training.promotion import Verdict, judge
from srcnn.training.training_progress import TrainingProgress
from srcnn.training.training_record import Point
from srcnn.training.training_spec import TrainingSpec

SVG = "{http://www.w3.org/2000/svg}"
SPEC = TrainingSpec.of(factors=(2.0, 4.0), steps=40)


def nearest(low: Picture, size: Size) -> Picture:
    pixels = cv2.resize(low, (size.width, size.height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(pixels, dtype=np.uint8)


def mixed(low: Picture, size: Size) -> Picture:
    """Enlarge by bicubic for small factors, by nearest for large ones."""
    return (nearest if size.height > 2.5 * low.shape[0] else bicubic)(low, size)


def verdict(candidate: object, current: object, photograph: npt.NDArray[np.uint8]) -> Verdict:
    factors: Sequence[float] = (1.5, 2, 3)
    return judge(candidate, current, [photograph, photograph[::-1]], factors)  # type: ignore[arg-type]


def test_a_candidate_that_is_better_at_every_factor_is_promoted(
    photograph: npt.NDArray[np.uint8],
) -> None:
    found = verdict(bicubic, nearest, photograph)
    assert found.is_better
    assert found.text.startswith("better than the current model at each of 3 factors, by ")
    assert [row.row.factor for row in found.rows] == ["1.5", "2", "3"]
    assert all(row.row.psnr_db == row.row.bicubic_psnr_db > 20 for row in found.rows)
    assert all(0.5 < row.row.ssim == row.row.bicubic_ssim < 1 for row in found.rows)
    assert found.rows[1].text.startswith("x2: candidate ")


def test_one_factor_behind_is_enough_to_keep_the_current_model(
    photograph: npt.NDArray[np.uint8],
) -> None:
    found = verdict(mixed, nearest, photograph)
    assert (found.is_better, found.behind) == (False, [3])
    assert found.text == "not better than the current model at 1 of 3 factors: x3"


def test_an_equal_model_is_not_better(photograph: npt.NDArray[np.uint8]) -> None:
    assert verdict(bicubic, bicubic, photograph).behind == [1.5, 2, 3]


def test_progress_shows_steps_and_gains() -> None:
    class Running:
        step, seconds, done = 30, 90.0, 0.75

    progress = TrainingProgress(SPEC, [])
    assert progress.snapshot().text == "step 0 of 40, 0 s"
    progress.follow(Running())
    assert progress.add(Point(30, 90, {1.5: 0.2, 2: 1.234, 3: 0.1, 4: -0.01}))
    assert not progress.add(Point(30, 91, {2: 0.0, 4: 0.0}))
    now = progress.snapshot()
    assert now.text == "step 30 of 40, 2 min: gain over bicubic x2 +1.23 dB, x4 -0.01 dB"
    assert (now.percent, now.seconds_left) == (75, 30)


GAINS = st.dictionaries(st.just(2.0), st.floats(-60, 60), min_size=1)


@given(st.lists(st.tuples(st.integers(1, 10**7), GAINS), max_size=450))
def test_the_lines_of_a_chart_stay_inside(
    validations: list[tuple[int, dict[float, float]]],
) -> None:
    points = [
        Point(step, step * 1.0, gains)
        for step, gains in sorted(validations, key=lambda each: each[0])
    ]
    picture = ET.fromstring(draw_gain_chart(points, [2.0]))  # noqa: S314 - our own
    lines = list(picture.iter(f"{SVG}polyline"))
    assert len(lines) == bool(points)
    for line in lines:
        places = [tuple(map(float, place.split(","))) for place in line.attrib["points"].split()]
        assert len(places) <= 202
        assert all(0 <= x <= 720 and 0 <= y <= 360 for x, y in places)


@pytest.mark.parametrize("count", [1, 2, 199, 200, 201, 1000])
def test_a_chart_shows_the_first_and_the_last_validation(count: int) -> None:
    points = [Point(step, 0, {2: 1.0}) for step in range(1, count + 1)]
    (line,) = ET.fromstring(draw_gain_chart(points, [2])).iter(f"{SVG}polyline")  # noqa: S314 - our own
    places = line.attrib["points"].split()
    assert len(places) == len(set(places)) > min(count, 2) - 1
    assert places[-1].startswith("610.0,")
