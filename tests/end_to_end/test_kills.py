"""Killed anywhere and started again, as often as it takes: nothing lost, nothing done twice."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from srcnn.destination import ledger
from srcnn.destination.lock.lock_files import LOCK_FOLDER
from srcnn.images.decoding import decode
from srcnn.storage.atomic_files import TEMPORARY_PREFIX
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from tests.support.paths import ROOT
from tests.support.servers import children

IMAGES, WORKERS, SHARD_IMAGES = 40, 2, 4
KILLS, LONG_SHARD = 8, 1000
SETTINGS = {"SRCNN_SHARD_IMAGES": str(SHARD_IMAGES), "SRCNN_THREADS": "1"}
PATIENCE_SECONDS = 120.0

Progress = Callable[[], tuple[int, int]]


class Running(Protocol):
    """A run in a process of its own."""

    def is_alive(self) -> bool: ...
    def kill(self) -> None: ...
    def join(self) -> int | None:
        """Wait; the exit status, below 0 by a signal."""


class Forked:
    """The flow in a child of a process that has imported it: it starts in a moment."""

    def __init__(self, options: dict[str, Any]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["flows.upscale"])
        environment = SETTINGS | {
            name: value for name, value in os.environ.items() if name.startswith("AWS_")
        }
        self._process = context.Process(target=children.upscale, args=(environment, options))
        self._process.start()
        self.is_alive = self._process.is_alive
        self.kill = self._process.kill

    def join(self) -> int | None:
        self._process.join(PATIENCE_SECONDS)
        return self._process.exitcode


class Command:
    """The command as people run it."""

    def __init__(self, options: dict[str, Any], *flags: str, **settings: str) -> None:
        given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [sys.executable, "flows/upscale.py", *given, *flags, "--no-track"],
            cwd=ROOT,
            env=os.environ | SETTINGS | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.kill = self._process.kill

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def join(self) -> int | None:
        return self._process.wait(PATIENCE_SECONDS)


@pytest.fixture(params=["local", "s3"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where sources and destinations are."""
    return str(request.getfixturevalue("bucket") if request.param == "s3" else tmp_path)


@pytest.fixture
def chance() -> random.Random:
    """Another at each run; give SEED to see one again."""
    seed = os.environ.get("SEED") or str(random.randrange(2**32))  # noqa: S311 - no secret
    print(f"SEED={seed}")  # noqa: T201 - pytest shows it where the test failed
    return random.Random(seed)  # noqa: S311 - no secret


@dataclass
class Job:
    """A job that is killed and started again, and what must be true of it.

    Attributes:
        base: where its source is.
        start: how it is started.
        expected: what an uninterrupted run writes.
        kills: how often it was killed so far.
    """

    base: str
    start: Callable[[dict[str, Any]], Running]
    expected: dict[str, bytes] = field(default_factory=dict)
    kills: int = 0

    def begin(self, dst: str) -> Running:
        report = f"{self.base}/report.json"
        options = {"src": f"{self.base}/in", "dst": f"{self.base}/{dst}", "workers": WORKERS}
        return self.start({**options, "scale": "2", "report": report})

    def finish(self, dst: str) -> dict[str, int]:
        """A run that nobody disturbs; its counts."""
        assert self.begin(dst).join() == 0
        report = json.loads(Folder(self.base).read("report.json"))
        counts: dict[str, int] = report["counts"]
        assert sum(counts.values()) == 2 * counts["requested"] == 2 * IMAGES
        assert len(report["images"]) == IMAGES
        return counts

    def kill_once(self, dst: str, chance: random.Random) -> bool:
        """Start it, kill it somewhere, look; False where it ended before it was killed."""
        before = listing(Folder(f"{self.base}/{dst}"))
        run = self.begin(dst)
        wait_for(moment(Folder(f"{self.base}/{dst}"), chance), run)
        run.kill()
        if run.join() == 0:
            return False
        self.kills += 1
        self.look(Folder(f"{self.base}/{dst}"), before)
        return True

    def look(self, dst: Folder, before: FileTable) -> None:
        """Every output there is is whole and right; few of this run's are not on record."""
        files = listing(dst)
        for key in outputs(files):
            data = dst.read(key)
            assert data == self.expected[key], key
            decode(data)
        new = {key for key in outputs(files) if files[key] != before.get(key)}
        assert len(new - on_record(dst)) <= WORKERS * SHARD_IMAGES


def listing(dst: Folder) -> FileTable:
    return dst.files() if dst.exists() else FileTable.of({})


def outputs(files: FileTable) -> list[str]:
    """Keys of all that a reader of the destination would take for an output."""
    return [
        key
        for key in files
        if not key.startswith(".srcnn/") and not Path(key).name.startswith(TEMPORARY_PREFIX)
    ]


def on_record(dst: Folder) -> set[str]:
    """Outputs that the ledger calls done."""
    files = listing(dst)
    known = ledger.load(dst, files)
    assert known.warnings == []
    return {key for key, one in known.records.items() if one.output_info == files.get(key)}


def progress(dst: Folder) -> tuple[int, int]:
    """How many outputs and how many ledger files there are."""
    files = listing(dst)
    return len(outputs(files)), sum(key.startswith(ledger.LEDGER_FOLDER) for key in files)


def moment(dst: Folder, chance: random.Random) -> Callable[[], bool]:
    """When to kill: after some more outputs or ledger files than now, or after some time."""
    kind, began, (made, recorded) = chance.randrange(3), time.monotonic(), progress(dst)
    seconds, more = chance.uniform(0, 0.8), chance.randint(1, 12)
    if kind == 0:
        return lambda: time.monotonic() - began > seconds
    if kind == 1:
        return lambda: progress(dst)[0] >= made + more
    return lambda: progress(dst)[1] >= recorded + more // 4 + 1


def wait_for(come: Callable[[], bool], run: Running) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while run.is_alive() and time.monotonic() < until and not come():
        time.sleep(0.002)


@pytest.fixture
def source(base: str, photograph: npt.NDArray[np.uint8]) -> str:
    """Forty real pictures of different sizes, some in folders."""
    src = Folder(f"{base}/in")
    for number in range(IMAGES):
        crop = photograph[number : number + 60 + number, number : number + 90]
        encoded = cv2.imencode(".png", crop)[1].tobytes()
        src.write(f"{'' if number % 3 else 'some more/'}{number:02d} [1].png", encoded)
    return base


def kill_again_and_again(job: Job, times: int, chance: random.Random) -> None:
    assert job.finish("whole") == {
        "requested": IMAGES,
        "written": IMAGES,
        "skipped": 0,
        "failed": 0,
    }
    whole = Folder(f"{job.base}/whole")
    job.expected = {key: whole.read(key) for key in outputs(listing(whole))}
    assert len(job.expected) == IMAGES
    attempt = 0
    while job.kills < times:
        attempt += 1
        name = f"killed {attempt}"
        while job.kills < times and job.kill_once(name, chance):
            pass
        ends_well(job, name)


def ends_well(job: Job, name: str) -> None:
    """One more run makes what is missing, and only that."""
    dst = Folder(f"{job.base}/{name}")
    done = len(on_record(dst))
    counts = job.finish(name)
    assert (counts["skipped"], counts["failed"]) == (done, 0)
    files = listing(dst)
    assert {key: dst.read(key) for key in outputs(files)} == job.expected
    known = ledger.load(dst, files)
    assert len(known.records) == IMAGES
    assert known.superseded == 0  # what was on record was never made again, by any of the runs
    assert not [key for key in files if key.startswith(LOCK_FOLDER)]


def test_a_job_is_killed_anywhere_and_started_again(source: str, chance: random.Random) -> None:
    job = Job(source, Forked)
    kill_again_and_again(job, KILLS, chance)
    assert job.kills >= KILLS


@pytest.mark.parametrize("base", ["local"], indirect=True)
def test_the_command_is_killed_anywhere_and_started_again(
    source: str, chance: random.Random
) -> None:
    job = Job(source, Command)
    kill_again_and_again(job, 3, chance)
    assert job.kills >= 3


@pytest.mark.parametrize(
    "base", ["local", pytest.param("s3", marks=pytest.mark.long)], indirect=True
)
def test_a_kill_in_a_long_shard_costs_seconds(base: str, photograph: npt.NDArray[np.uint8]) -> None:
    """One shard holds all images, and would take minutes."""
    src, dst = Folder(f"{base}/in"), Folder(f"{base}/out")

    def write(number: int) -> None:
        picture = photograph.copy()
        picture[0, 0] = number % 256, number // 256, 0  # equal images are upscaled once
        src.write(f"{number:04d}.png", cv2.imencode(".png", picture)[1].tobytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(LONG_SHARD)))
    options = {"src": src.url, "dst": dst.url, "scale": "6"}
    shard = {"SRCNN_SHARD_IMAGES": str(LONG_SHARD), "SRCNN_SHARD_MEGAPIXELS": "100000"}
    run = Command(options, **shard)
    seen: list[tuple[float, int]] = []
    while run.is_alive() and (not seen or time.monotonic() < seen[0][0] + 22):
        made = len(outputs(listing(dst)))
        seen += [(time.monotonic(), made)] if made else []
        time.sleep(0.2)
    killed = time.monotonic()
    run.kill()
    assert run.join() == -signal.SIGKILL
    long_ago = max(made for moment, made in seen if moment < killed - 10)
    recorded = len(on_record(dst))
    assert recorded >= long_ago > 0, (recorded, seen[-1])
    # The next run makes none of these again.
    assert Command(options | {"report": f"{base}/report.json"}, "--dry-run").join() == 0
    counts = json.loads(Folder(base).read("report.json"))["counts"]
    assert counts["skipped"] == recorded
