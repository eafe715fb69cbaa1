"""A shard's images side by side: nobody waits for a slow one, what is held is bounded."""

from __future__ import annotations

import gc
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from srcnn.batch.cancellation import Control
from srcnn.batch.process_image import held_bytes, make
from srcnn.batch.worker import process_shard, upscaler_for, workshop_for
from srcnn.images.decoding import decode
from srcnn.job import Job, Work
from srcnn.model.model_file import load_model
from srcnn.planning.plan import make_plan
from srcnn.planning.selection import Selection
from srcnn.storage.folder import Folder


@pytest.fixture
def job(pictures: Path) -> Job:
    return Job(
        run_id="20261123T000000.000000Z-000000",
        src=str(pictures),
        dst=str(pictures.parent / "out"),
        model="bundled",
        model_sha256=load_model("bundled").sha256,
    )


@pytest.fixture
def shard(job: Job) -> list[Work]:
    return make_plan(job, Selection(scale="3"), upscaler_for(job)).work


class Meeting(Control):
    """A run whose images go on only when all of them are in hand."""

    def __init__(self, images: int, seconds: float) -> None:
        super().__init__()
        self.barrier = threading.Barrier(images)
        self.seconds = seconds

    def check_turn(self) -> None:
        self.barrier.wait(self.seconds)


def test_the_images_of_a_shard_are_in_hand_side_by_side(job: Job, shard: list[Work]) -> None:
    result = process_shard(job, shard, Meeting(len(shard), seconds=60))
    assert [outcome.source for outcome in result.outcomes] == [work.source for work in shard]
    assert [outcome.error for outcome in result.outcomes] == [None] * len(shard)


def test_no_more_are_in_hand_than_there_is_room_for(job: Job, shard: list[Work]) -> None:
    narrow = replace(job, transfers=1)
    result = process_shard(narrow, shard, Meeting(len(shard), seconds=0.5))
    assert {outcome.status for outcome in result.outcomes} == {"failed"}  # they never met


def test_one_image_at_a_time_where_there_is_no_more_room(job: Job, shard: list[Work]) -> None:
    narrow = replace(job, transfers=1, buffer_bytes=1)  # everything is larger, and goes alone
    result = process_shard(narrow, shard)
    assert [outcome.error for outcome in result.outcomes] == [None] * len(shard)


def test_a_run_that_ended_begins_no_image(job: Job, shard: list[Work]) -> None:
    run = Control()
    run.end("enough")
    result = process_shard(job, shard, run)
    assert all(outcome.not_attempted for outcome in result.outcomes)
    assert not Path(job.dst).exists()


def test_a_run_that_drops_its_images_writes_none_of_them(job: Job, shard: list[Work]) -> None:
    run = Control()
    first = Folder(job.src).read(shard[0].source)
    checked: list[None] = []

    def end() -> None:
        checked.append(None)
        run.end("taken", drop=True)
        run.check()

    with pytest.raises(Exception, match="dropped: taken"):
        make(job, workshop_for(job), shard[0], first, end)
    assert len(checked) == 1


def test_a_failure_leaves_the_pool_and_the_rooms_as_they_were(job: Job, shard: list[Work]) -> None:
    Path(job.src, shard[0].source).write_bytes(b"no image at all")
    result = process_shard(job, shard)
    assert [outcome.status for outcome in result.outcomes] == [
        "failed",
        *["written"] * (len(shard) - 1),
    ]
    workshop = workshop_for(job)
    for room in (workshop.files, workshop.pictures, workshop.outputs):
        room.enter(2**60)  # nobody is in it, or this would wait for ever
        room.leave(2**60)


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
    path = Path(job.src, f"photograph{ending}")
    cv2.imwrite(str(path), np.dstack([grey] * channels))
    plan = make_plan(job, Selection(scale="2", include=[path.name]), upscaler_for(job))
    (work,) = plan.work
    data = path.read_bytes()
    pixels = decode(data).pixels
    encoded = make(job, workshop_for(job), work, data, lambda: None).content
    result = decode(encoded).pixels
    most = len(data) + result.nbytes + max(pixels.nbytes, len(encoded))
    assert most <= held_bytes(work)


def test_nothing_of_an_image_is_kept(job: Job, shard: list[Work]) -> None:
    class Marked(Work):
        """One that can be followed."""

    marked = [Marked(**vars(work)) for work in shard]
    Path(job.src, shard[0].source).write_bytes(b"no image at all")  # its error has a traceback
    alive = [weakref.ref(work) for work in marked]
    process_shard(job, marked)
    del marked
    gc.collect()
    assert [work() for work in alive] == [None] * len(alive)
