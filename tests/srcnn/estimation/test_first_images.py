"""A run's own estimate, by a clock that the test turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.estimation.first_images import EarlyEstimate, FirstImages
from srcnn.geometry import Size
from srcnn.image_task import ImageResult, ImageTask
from srcnn.parse_scale import parse_scale
from srcnn.storage.file_table import FileInfo


class Run:
    """A run of equal images, one after the other."""

    def __init__(self, images: int, started: float = 0.0) -> None:
        info, size = FileInfo(1, "v"), Size(100, 100)
        self.tasks = [
            ImageTask(f"{n}", f"{n}.png", parse_scale("1"), info, size, size) for n in range(images)
        ]
        self.now = started
        self.announced: list[EarlyEstimate] = []
        self.first = FirstImages(self.tasks, started, self.announced.append, lambda: self.now)

    def process(self, seconds_each: float, images: int | None = None) -> None:
        for task in self.tasks[:images]:
            self.now += seconds_each
            self.first.add(ImageResult(task.source, task.output, "written"))


@given(st.integers(60, 300), st.floats(0.6, 60), st.floats(0, 1e6))
def test_a_steady_run_lies_in_its_estimate(images: int, seconds: float, started: float) -> None:
    run = Run(images, started)
    run.process(seconds)
    assert run.first.estimate
    low, high = run.first.estimate.seconds
    assert low < images * seconds * 1.001
    assert high > images * seconds * 0.999
    assert run.announced == [run.first.estimate]


@pytest.mark.parametrize(("images", "seconds"), [(3, 100), (30, 0.1), (0, 1)])
def test_a_short_run_has_none(images: int, seconds: float) -> None:
    run = Run(images)
    run.process(seconds)
    assert run.first.estimate is None
    assert not run.announced


def test_it_waits_for_enough_of_the_work() -> None:
    run = Run(1000)
    run.process(20, images=49)
    assert not run.announced
    run.first.add(ImageResult("49", "49.png", "failed"))
    assert run.first.estimate
    assert run.first.estimate.images == 50


def test_results_are_passed_on() -> None:
    run, seen = Run(2), []
    show = run.first.watch(seen.append)
    result = ImageResult("0", "0.png", "written")
    show(result)
    assert seen == [result]
