"""A shard's images side by side: none waits for a slow one, and what is held is bounded."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from srcnn.batch.cancellation import Cancellation
from srcnn.batch.image_memory import estimate_peak_bytes
from srcnn.batch.process_image import process_image
from srcnn.batch.worker import get_resources, process_shard
from srcnn.errors import NotAttemptedError
from srcnn.image_task import ImageTask
from srcnn.images.decoding import decode
from srcnn.job import Job, ResourceLimits
from srcnn.parse_scale import parse_scale
from srcnn.planning.globs import parse_glob
from srcnn.planning.plan import make_plan
from srcnn.planning.select_images import PlanOptions
from tests.support.jobs import make_job


@pytest.fixture
def job(pictures: Path) -> Job:
    return make_job(pictures)


@pytest.fixture
def shard(job: Job) -> list[ImageTask]:
    return make_plan(job, PlanOptions(scale=parse_scale("3"))).tasks


class Meeting(Cancellation):
    """Lets images begin only when all of them are about to."""

    def __init__(self, images: int, seconds: float) -> None:
        super().__init__()
        self.barrier = threading.Barrier(images)
        self.seconds = seconds

    def raise_if_cancelled(self, *, begun: bool = True) -> None:
        if not begun:
            self.barrier.wait(self.seconds)


def test_the_images_of_a_shard_are_in_progress_side_by_side(
    job: Job, shard: list[ImageTask]
) -> None:
    seen: list[str] = []
    meeting = Meeting(len(shard), seconds=60)
    result = process_shard(job, shard, meeting, lambda image: seen.append(image.source))
    assert [image.source for image in result.results] == [task.source for task in shard]
    assert [image.error for image in result.results] == [None] * len(shard)
    assert sorted(seen) == sorted(task.source for task in shard)


def test_files_of_one_name_and_time_in_two_runs_are_two_files(tmp_path: Path) -> None:
    """A worker of a cluster may serve both at a time."""
    meeting = Meeting(2, seconds=10)
    jobs, shards = {}, {}
    for level in (50, 200):
        file = tmp_path / str(level) / "a.png"
        file.parent.mkdir()
        cv2.imwrite(str(file), np.full((20, 20, 3), level, np.uint8))
        os.utime(file, (1_000_000_000, 1_000_000_000))
        jobs[level] = make_job(file.parent, tmp_path / f"{level}-out")
        tasks = make_plan(jobs[level], PlanOptions(scale=parse_scale("2"))).tasks
        shards[level] = [replace(task, is_shared=True) for task in tasks]
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(process_shard, jobs[each], shards[each], meeting) for each in jobs]
        assert [run.result().results[0].status for run in running] == ["written"] * 2
    for level, job in jobs.items():
        made = cv2.imread(f"{job.destination.url}/a.png")
        assert made is not None
        assert abs(made.mean() - level) < 2


def test_a_source_that_goes_away_ends_the_run_and_not_this_shard_alone(
    job: Job, shard: list[ImageTask], pictures: Path
) -> None:
    pictures.rename(pictures.with_name("elsewhere"))
    cancellation = Cancellation()
    result = process_shard(replace(job, limits=ResourceLimits(transfers=1)), shard, cancellation)
    assert {image.status for image in result.results} == {"failed"}
    assert cancellation.fatal is not None
    assert str(pictures) in cancellation.fatal
    assert result.fatal == cancellation.fatal


def test_no_more_are_in_progress_than_there_is_room_for(job: Job, shard: list[ImageTask]) -> None:
    narrow = replace(job, limits=ResourceLimits(transfers=1))
    result = process_shard(narrow, shard, Meeting(len(shard), seconds=0.5))
    assert {image.status for image in result.results} == {"failed"}  # they never met


def test_one_image_at_a_time_if_there_is_no_more_room(job: Job, shard: list[ImageTask]) -> None:
    # Everything is larger than the gates, and is admitted alone.
    narrow = replace(job, limits=ResourceLimits(transfers=1, buffer_bytes=1))
    result = process_shard(narrow, shard, Cancellation())
    assert [image.error for image in result.results] == [None] * len(shard)


def test_a_cancelled_run_begins_no_image(job: Job, shard: list[ImageTask]) -> None:
    cancellation = Cancellation()
    cancellation.cancel("enough")
    result = process_shard(job, shard, cancellation)
    assert all(image.not_attempted for image in result.results)
    assert not Path(job.destination.url).exists()


def test_a_run_that_drops_its_images_writes_none_of_them(job: Job, shard: list[ImageTask]) -> None:
    cancellation = Cancellation()
    data = job.source.read(shard[0].source)
    calls: list[None] = []

    def cancel() -> None:
        calls.append(None)
        cancellation.cancel("taken", drop=True)
        cancellation.raise_if_cancelled()

    with pytest.raises(NotAttemptedError, match="dropped: taken"):
        process_image(job.output, get_resources(job), shard[0], data, cancel)
    assert len(calls) == 1


def test_images_in_progress_go_on_until_they_are_dropped() -> None:
    cancellation = Cancellation()
    cancellation.cancel("first")
    cancellation.raise_if_cancelled()
    with pytest.raises(NotAttemptedError, match="not started: first"):
        cancellation.raise_if_cancelled(begun=False)
    cancellation.cancel("second", drop=True, fatal=True)
    with pytest.raises(NotAttemptedError, match="dropped: first"):
        cancellation.raise_if_cancelled()
    assert (cancellation.reason, cancellation.fatal) == ("first", None)


def test_a_failure_leaves_the_pool_and_the_gates_as_they_were(
    job: Job, shard: list[ImageTask]
) -> None:
    Path(job.source.url, shard[0].source).write_bytes(b"no image at all")
    result = process_shard(job, shard, Cancellation())
    statuses = [image.status for image in result.results]
    assert statuses == ["failed", *["written"] * (len(shard) - 1)]
    resources = get_resources(job)
    for gate in (resources.read_gate, resources.decode_gate, resources.write_gate):
        gate.enter(2**60)  # nobody is inside, or this would wait for ever
        gate.leave(2**60)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_no_image_holds_more_than_it_was_given_room_for(
    job: Job, photograph: npt.NDArray[np.uint8], ending: str, depth: type[Any], channels: int
) -> None:
    if (channels == 4 and ending in (".jpg", ".bmp")) or (
        depth is np.uint16 and ending not in (".png", ".tiff")
    ):
        pytest.skip("the format has no such pictures")
    grey = photograph[..., 1].astype(depth) * (np.iinfo(depth).max // 255)
    path = Path(job.source.url, f"photograph{ending}")
    cv2.imwrite(str(path), np.dstack([grey] * channels))
    options = PlanOptions(scale=parse_scale("2"), include=[parse_glob(path.name)])
    (task,) = make_plan(job, options).tasks
    data = path.read_bytes()
    pixels = decode(data).pixels
    resources = get_resources(job)
    encoded = process_image(job.output, resources, task, data, lambda: None).content
    result = decode(encoded).pixels
    most = len(data) + result.nbytes + max(pixels.nbytes, len(encoded))
    assert most <= estimate_peak_bytes(task)


def test_nothing_of_an_image_is_kept(job: Job, shard: list[ImageTask]) -> None:
    class Marked(ImageTask):
        """One that can be followed."""

    names = [field.name for field in fields(ImageTask)]
    marked = [Marked(*(getattr(task, name) for name in names)) for task in shard]
    Path(job.source.url, shard[0].source).write_bytes(
        b"no image at all"
    )  # its error has a traceback
    alive = [weakref.ref(task) for task in marked]
    process_shard(job, marked, Cancellation())
    del marked
    gc.collect()
    assert [reference() for reference in alive] == [None] * len(alive)


def test_a_file_that_grew_since_it_was_planned_fails_alone(
    job: Job, shard: list[ImageTask], pictures: Path
) -> None:
    with (pictures / shard[0].source).open("ab") as file:
        file.truncate(64 * 2**20)
    results = process_shard(job, shard, Cancellation()).results
    failed = [result for result in results if result.error]
    assert [result.source for result in failed] == [shard[0].source]
    assert failed[0].error is not None
    assert failed[0].error.type == "SourceChanged"
    assert "expected up to" in failed[0].error.message
