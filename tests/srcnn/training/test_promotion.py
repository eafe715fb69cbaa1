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
from srcnn.graphs.graph_format import CLEAN
from srcnn.quality.compare import bicubic
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import Picture
from srcnn.training.gain_chart import draw_gain_chart
from srcnn.training.promotion import EnlargeSource, Verdict, judge
from srcnn.training.training_progress import TrainingProgress, summarise_gains
from srcnn.training.training_record import Point
from srcnn.training.training_spec import TrainingSpec

SVG = "{http://www.w3.org/2000/svg}"
SPEC = TrainingSpec.of(factors=(2.0, 4.0), qualities=(CLEAN,), steps=40)


def nearest(low: Picture, size: Size, quality: float = CLEAN) -> Picture:  # noqa: ARG001 - as models
    pixels = cv2.resize(low, (size.width, size.height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(pixels, dtype=np.uint8)


def cubic(low: Picture, size: Size, quality: float) -> Picture:  # noqa: ARG001 - as models
    return bicubic(low, size)


def mixed(low: Picture, size: Size, quality: float) -> Picture:
    """Enlarge by bicubic for small factors and high qualities, else by nearest."""
    is_poor = size.height > 2.5 * low.shape[0] or quality < 50
    return nearest(low, size) if is_poor else bicubic(low, size)


CLEAN_ONES = [Condition(1.5), Condition(2), Condition(3)]


def verdict(
    candidate: EnlargeSource,
    current: EnlargeSource,
    photograph: npt.NDArray[np.uint8],
    conditions: Sequence[Condition] = tuple(CLEAN_ONES),
) -> Verdict:
    return judge(candidate, current, [photograph, photograph[::-1]], conditions)


def test_a_candidate_that_is_better_at_every_factor_is_promoted(
    photograph: npt.NDArray[np.uint8],
) -> None:
    found = verdict(cubic, nearest, photograph)
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
    assert (found.is_better, found.behind) == (False, [Condition(3)])
    assert found.text == "not better than the current model at 1 of 3 factors: x3"


def test_models_are_compared_at_every_quality_that_they_are_given(
    photograph: npt.NDArray[np.uint8],
) -> None:
    sources = [Condition(1, 75), Condition(2, 30), Condition(2, 75), Condition(2)]
    found = verdict(mixed, nearest, photograph, sources)
    assert found.behind == [Condition(1, 75), Condition(2, 30)]  # at x1 both change nothing
    assert found.text == (
        "not better than the current model at 2 of 4 factors and qualities: x1 q75, x2 q30"
    )
    bicubic_db = [row.bicubic.psnr_db for row in found.rows[1:]]
    assert bicubic_db == sorted(bicubic_db)
    assert (found.rows[1].row.factor, found.rows[1].row.source_quality) == ("2", 30)


def test_where_nothing_was_to_change_an_equal_model_is_good_enough_and_a_worse_one_is_not(
    photograph: npt.NDArray[np.uint8],
) -> None:
    sources, kept = [Condition(1.5), Condition(2, 30), Condition(3)], [Condition(1.5), Condition(3)]

    def worse(low: Picture, size: Size, quality: float) -> Picture:
        return bicubic(low, size) if quality == CLEAN else nearest(low, size)

    equal = judge(cubic, worse, [photograph], sources, kept=kept)
    assert [row.gain_db for row in equal.rows if row.is_kept] == [0, 0]
    assert equal.is_better
    assert equal.text.startswith("better than the current model at each of 1 factors and qualities")
    assert "dB at x2 q30" in equal.text
    assert judge(cubic, cubic, [photograph], sources, kept=kept).behind == [Condition(2, 30)]
    assert judge(nearest, cubic, [photograph], sources, kept=kept).behind == sources
    assert judge(mixed, nearest, [photograph], kept, kept=kept).is_better


def test_an_equal_model_is_not_better(photograph: npt.NDArray[np.uint8]) -> None:
    assert verdict(cubic, cubic, photograph).behind == CLEAN_ONES


def conditions(gains: dict[float, float]) -> dict[Condition, float]:
    return {Condition(factor): gain for factor, gain in gains.items()}


def test_gains_at_several_qualities_are_shown_as_means_over_factors() -> None:
    spec = TrainingSpec.of(factors=(2.0,), qualities=(50.0, CLEAN), steps=40)
    gains = {
        Condition(1, 50): 1.0,
        Condition(1.5, 75): 9.0,
        Condition(2, 50): 0.5,
        Condition(2): 3.0,
    }
    assert summarise_gains(gains, spec) == {"clean": 3.0, "q50": 0.75}


def test_progress_shows_steps_and_gains() -> None:
    class Running:
        step, seconds, done = 30, 90.0, 0.75

    progress = TrainingProgress(SPEC, [])
    assert progress.snapshot().text == "step 0 of 40, 0 s"
    progress.follow(Running())
    assert progress.add(Point(30, 90, conditions({1.5: 0.2, 2: 1.234, 3: 0.1, 4: -0.01})))
    assert not progress.add(Point(30, 91, conditions({2: 0.0, 4: 0.0})))
    now = progress.snapshot()
    assert now.text == "step 30 of 40, 2 min: gain over bicubic x2 +1.23 dB, x4 -0.01 dB"
    assert (now.percent, now.seconds_left) == (75, 30)


GAINS = st.dictionaries(st.just(2.0), st.floats(-60, 60), min_size=1)


@given(st.lists(st.tuples(st.integers(1, 10**7), GAINS), max_size=450))
def test_the_lines_of_a_chart_stay_inside(
    validations: list[tuple[int, dict[float, float]]],
) -> None:
    points = [
        Point(step, step * 1.0, conditions(gains))
        for step, gains in sorted(validations, key=lambda each: each[0])
    ]
    picture = ET.fromstring(draw_gain_chart(points, SPEC))  # noqa: S314 - our own
    lines = list(picture.iter(f"{SVG}polyline"))
    assert len(lines) == bool(points)
    for line in lines:
        places = [tuple(map(float, place.split(","))) for place in line.attrib["points"].split()]
        assert len(places) <= 202
        assert all(0 <= x <= 720 and 0 <= y <= 360 for x, y in places)


@pytest.mark.parametrize("count", [1, 2, 199, 200, 201, 1000])
def test_a_chart_shows_the_first_and_the_last_validation(count: int) -> None:
    points = [Point(step, 0, conditions({2: 1.0})) for step in range(1, count + 1)]
    (line,) = ET.fromstring(draw_gain_chart(points, SPEC)).iter(f"{SVG}polyline")  # noqa: S314 - our own
    places = line.attrib["points"].split()
    assert len(places) == len(set(places)) > min(count, 2) - 1
    assert places[-1].startswith("610.0,")
