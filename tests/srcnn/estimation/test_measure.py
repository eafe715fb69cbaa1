"""Real images go through the batch's own steps in memory; damaged ones are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from srcnn.batch.worker import get_resources
from srcnn.estimation.choose_sample import choose_sample
from srcnn.estimation.extrapolate import extrapolate
from srcnn.estimation.measure import measure_sample
from srcnn.estimation.read_sample import fetch_images
from srcnn.estimation.time_sample import RoundRunner
from srcnn.image_task import ImageTask
from srcnn.images.decoding import decode
from srcnn.job import Job, OutputOptions
from srcnn.parse_scale import parse_scale
from srcnn.planning.plan import make_plan
from srcnn.planning.select_images import PlanOptions
from tests.support.jobs import make_job


@pytest.fixture
def job(pictures: Path) -> Job:
    return make_job(pictures)


def plan(job: Job, scale: str = "2") -> list[ImageTask]:
    return make_plan(job, PlanOptions(scale=parse_scale(scale), when_larger="shrink")).tasks


def test_a_small_folder_is_measured_whole_and_its_bytes_are_exact(job: Job, pictures: Path) -> None:
    tasks, before = plan(job), sorted(pictures.parent.rglob("*"))
    sample = choose_sample(tasks, job.output)
    measured = measure_sample(job, sample)
    found = extrapolate(sample, measured, 0.0)
    assert found
    assert (found.images, found.failures) == (4, {})
    assert all(group.rounds and group.outputs for group in measured.groups)
    total = sum(each.content_bytes for group in measured.groups for each in group.outputs)
    assert found.output_bytes.low == pytest.approx(0.97 * total)
    assert sorted(pictures.parent.rglob("*")) == before  # nothing is written


def test_damaged_images_fail_alone(job: Job, pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    sample = choose_sample(plan(job), job.output)
    measured = measure_sample(job, sample)
    assert set(measured.failures) == {"cut.png"}
    assert measured.failures["cut.png"].type == "DamagedImage"
    assert extrapolate(sample, measured, 0.0)


def test_images_whose_output_has_no_place_for_them_fail_too(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.full((20, 20, 4), 100, np.uint8))
    job = replace(make_job(folder), output=OutputOptions(format="jpg"))
    sample = choose_sample(plan(job), job.output)
    measured = measure_sample(job, sample)
    assert "alpha" in measured.failures["a.png"].message
    assert extrapolate(sample, measured, 0.0) is None


def test_copies_have_the_bytes_of_their_sources(job: Job, pictures: Path) -> None:
    tasks = make_plan(job, PlanOptions(scale=parse_scale("longest=30"))).tasks
    assert all(task.copy for task in tasks)
    sample = choose_sample(tasks, job.output)
    found = extrapolate(sample, measure_sample(job, sample), 0.0)
    size = sum(path.stat().st_size for path in pictures.rglob("*") if path.is_file())
    assert found
    assert found.output_bytes == (size, size)


def test_images_that_are_made_smaller_are_measured_apart(job: Job) -> None:
    tasks = plan(job, "longest=30")
    assert all(task.is_shrunk for task in tasks)
    sample = choose_sample(tasks, job.output)
    found = extrapolate(sample, measure_sample(job, sample), 0.0)
    assert found
    assert (found.images, found.failures) == (4, {})


@pytest.mark.parametrize("scale", ["2", "1.7", "2x3", "longest=26"])
def test_of_a_large_image_a_part_is_kept_with_its_factors(job: Job, scale: str) -> None:
    tasks = plan(job, scale)
    for image in fetch_images(job.source, get_resources(job), tasks, 700):
        task = image.task
        assert image.is_part
        assert 1 < task.size_out.pixels <= 700
        assert decode(image.data).pixels.shape[:2] == task.size_in
        whole = next(each for each in tasks if each.source == task.source)
        for part, part_out, length, length_out in zip(
            task.size_in, task.size_out, whole.size_in, whole.size_out, strict=True
        ):
            assert part <= length
            assert part_out == part * length_out // length


def test_images_that_are_small_enough_are_kept_whole(job: Job, pictures: Path) -> None:
    tasks = plan(job)
    for image in fetch_images(job.source, get_resources(job), tasks, 10**6):
        assert image.data == (pictures / image.task.source).read_bytes()
        assert image.read_bytes == len(image.data)


def test_without_time_one_image_of_each_group_is_measured_all_the_same(job: Job) -> None:
    sample = choose_sample(plan(job), job.output)
    resources = get_resources(job)
    fetched = fetch_images(job.source, resources, sample.images, 10**6)
    by_source = {image.task.source: image for image in fetched}
    runner = RoundRunner(job.output, resources, 1, by_source)
    measured = [runner.encode(group, rounds=3, until=0.0) for group in sample.groups]
    for group, found in zip(sample.groups, measured, strict=True):
        runner.measure(group, 0, 3, found)
        assert len(found.outputs) == len(found.rounds) == 1
    assert len(runner.left_out) == len(sample.images) - len(sample.groups)
