"""The same bytes under many names are upscaled once, and each name gets the same output."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.batch.cancellation import Cancellation
from srcnn.batch.copy_repeats import Claim, Repeats, WrittenOutput
from srcnn.batch.worker import process_shard
from srcnn.errors import NotAttemptedError
from srcnn.geometry import Size
from srcnn.image_task import ImageTask
from srcnn.parse_scale import parse_scale
from srcnn.planning.plan import make_plan
from srcnn.planning.select_images import PlanOptions
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from tests.support.jobs import make_job

NOTE = "the same bytes as another source: its result was copied"
TASK = ImageTask(
    "a.png", "a.png", parse_scale("2"), FileInfo(3, "1"), Size(1, 1), Size(2, 2), may_repeat=True
)
MADE = WrittenOutput("a.png", FileInfo(9, "1"), ("a note",))


def go_on() -> None:
    """Never end a run."""


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place with four names of one picture, one of another, and a broken one twice."""
    where = str(request.getfixturevalue("bucket") if request.param == "s3" else tmp_path)
    rng = np.random.default_rng(0)
    first, second = (
        cv2.imencode(".bmp", rng.integers(0, 256, (20, 30, 3), np.uint8))[1].tobytes()
        for _ in range(2)
    )
    cut = cv2.imencode(".png", rng.integers(0, 256, (20, 30, 3), np.uint8))[1].tobytes()[:-40]
    files = dict.fromkeys(["a.bmp", "b/a.bmp", "c.bmp", "d.BMP"], first) | {"other.bmp": second}
    for name, content in (files | {"cut.png": cut, "cut again.png": cut}).items():
        Folder(f"{where}/in").write(name, content)
    return where


def test_each_name_gets_the_output_of_its_bytes(place: str) -> None:
    source, dst = Folder(f"{place}/in"), Folder(f"{place}/out")
    shard = make_plan(make_job(source.given, dst.given), PlanOptions()).tasks
    assert len({task.info.size for task in shard if task.may_repeat}) == 2
    results = process_shard(make_job(source.given, dst.given), shard, Cancellation()).results
    outcomes = {result.source: (result.status, NOTE in result.notes) for result in results}
    # d.BMP is another name of the format, and so is written as that name says.
    assert sorted(outcomes.pop(name) for name in ("a.bmp", "b/a.bmp", "c.bmp")) == [
        ("written", False),
        ("written", True),
        ("written", True),
    ]
    assert outcomes == {
        "d.BMP": ("written", False),
        "other.bmp": ("written", False),
        "cut.png": ("failed", False),
        "cut again.png": ("failed", False),
    }
    content = dst.read("a.bmp")
    assert all(dst.read(name) == content for name in ("b/a.bmp", "c.bmp", "d.BMP"))
    assert dst.read("other.bmp") != content


@pytest.mark.parametrize("place", ["local"], indirect=True)
def test_the_report_says_what_was_copied_and_a_second_run_has_nothing_to_do(place: str) -> None:
    options = UpscaleOptions(
        src=f"{place}/in", dst=f"{place}/out", exclude=("cut*",), report=f"{place}/report.json"
    )
    assert batch_upscale.fn(options)["written"] == 5
    images = json.loads(Path(place, "report.json").read_text())["images"]
    assert sum(image["notes"] == [NOTE] for image in images) == 2
    assert batch_upscale.fn(options)["skipped"] == 5


class WriteOnly(Folder):
    """A destination of which nothing can be read."""

    def read(self, key: str, limit_bytes: int | None = None, info: FileInfo | None = None) -> bytes:
        raise PermissionError(key, limit_bytes, info)


@pytest.mark.parametrize("place", ["local"], indirect=True)
def test_where_outputs_cannot_be_read_each_image_is_upscaled(place: str) -> None:
    job = make_job(f"{place}/in", f"{place}/out")
    shard = make_plan(job, PlanOptions(exclude=())).tasks
    job = replace(job, destination=WriteOnly(f"{place}/written"))
    results = process_shard(job, shard, Cancellation()).results
    assert sum(result.status == "written" for result in results) == 5
    assert not any(NOTE in result.notes for result in results)


def test_the_others_wait_for_the_first() -> None:
    repeats, begun, go = Repeats(), threading.Event(), threading.Event()

    def make_first() -> None:
        with repeats.claim(TASK, b"123", go_on) as claim:
            begun.set()
            go.wait(60)
            claim.written = MADE

    def make_other(data: bytes) -> Claim:
        with repeats.claim(TASK, data, go_on) as claim:
            return claim

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(make_first)
        begun.wait(60)
        others = [pool.submit(make_other, b"123") for _ in range(2)]
        assert pool.submit(make_other, b"321").result(60).found is None
        assert not any(other.done() for other in others)
        go.set()
        assert [other.result(60).found for other in others] == [MADE, MADE]
        first.result(60)


def test_if_the_first_fails_the_next_one_is_first() -> None:
    repeats = Repeats()
    with pytest.raises(ValueError, match="broken"), repeats.claim(TASK, b"123", go_on):
        raise ValueError("broken")
    with repeats.claim(TASK, b"123", go_on) as claim:
        assert claim.found is None
        claim.written = MADE
    with repeats.claim(replace(TASK, quality=50), b"123", go_on) as claim:
        assert claim.found is None
    with repeats.claim(TASK, b"123", go_on) as claim:
        assert claim.found == MADE


def test_an_image_that_waits_is_dropped_with_its_run() -> None:
    repeats, cancellation = Repeats(), Cancellation()
    cancellation.cancel("enough", drop=True)
    with repeats.claim(TASK, b"123", go_on), ThreadPoolExecutor(1) as pool:

        def wait() -> None:
            with repeats.claim(TASK, b"123", cancellation.raise_if_cancelled):
                pass

        with pytest.raises(NotAttemptedError, match="enough"):
            pool.submit(wait).result(60)
