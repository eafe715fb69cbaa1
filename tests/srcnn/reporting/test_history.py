"""The earlier runs of a destination: the beginnings of reports, whoever wrote them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from srcnn.errors import UnusableFileError, UsageError
from srcnn.geometry import Size
from srcnn.image_results import ImageResults
from srcnn.image_task import Failure, ImageResult
from srcnn.reporting.history import PastRun, read_failures, read_history
from srcnn.reporting.report import Report
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from tests.support.jobs import make_job

WRITTEN = ImageResult("a.png", "a.png", "written", (2, 2), Size(1000, 1000), Size(2000, 2000), 1.0)
FAILED = ImageResult(
    *('b, "images": [.png', "b.png", "failed"),
    error=Failure("DamagedImage", "cut"),
    source_info=FileInfo(10, "etag"),
)


def make_report(day: int, *images: ImageResult, ended: str = "") -> Report:
    """A report of a night, as the flow makes it."""
    started = datetime(2026, 11, day, 2, tzinfo=UTC)
    job = make_job(Path("photos"), run_id=f"{started:%Y%m%dT%H%M%S.%fZ}-00000{day % 10}")
    options = {"include": ['a, "images": [b']}  # as in the report, but a text
    return Report(job, started, 4.0, options, ImageResults().add(images), ended, {"Python": "3.11"})


def keep(destination: Folder, report: Report, content: bytes | None = None) -> Report:
    destination.write(report.key, content or report.to_json())
    return report


def read(path: Path, last: int = 14) -> list[PastRun]:
    return read_history(Folder(str(path)), last)


def test_runs_are_read_the_newest_first(tmp_path: Path) -> None:
    nights = [
        make_report(1, WRITTEN),
        make_report(2, WRITTEN, FAILED),
        make_report(3, WRITTEN, replace(FAILED, known=True)),
        make_report(4, WRITTEN, ended="interrupted by SIGTERM"),
    ]
    for night in nights:
        keep(Folder(str(tmp_path)), night)
    runs = read(tmp_path)
    assert [run.run_id for run in runs] == [night.job.run_id for night in reversed(nights)]
    assert [run.state for run in runs] == ["ended early", "passed", "failed", "passed"]
    assert [run.run_id for run in read(tmp_path, last=2)] == [run.run_id for run in runs[:2]]
    head = runs[1].head
    assert head is not None
    assert head.run.started == nights[2].started
    assert (head.run.seconds, head.run.src) == (4.0, "photos")
    assert head.run.model.sha256 == nights[0].job.model.sha256
    assert (head.counts.requested, head.counts.written, head.counts.failed) == (2, 1, 1)
    assert (head.summary.known, head.summary.versions) == (1, {"Python": "3.11"})
    assert head.megapixels_per_second == 1.0


@pytest.mark.parametrize("indent", [None, 4], ids=["one line", "indented"])
def test_a_report_that_was_formatted_again_is_read(tmp_path: Path, indent: int | None) -> None:
    report = make_report(1, WRITTEN, FAILED)
    content = json.dumps(json.loads(report.to_json()), indent=indent).encode()
    keep(Folder(str(tmp_path)), report, content)
    assert [run.state for run in read(tmp_path)] == ["failed"]


def test_a_report_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    report = make_report(1, WRITTEN, FAILED)
    content = json.loads(report.to_json())
    del content["summary"]
    keep(Folder(str(tmp_path)), report, json.dumps(content).encode())
    (run,) = read(tmp_path)
    assert run.head is not None
    assert (run.state, run.head.megapixels_per_second) == ("failed", None)


def test_only_the_beginning_of_a_large_report_is_read(tmp_path: Path) -> None:
    report = keep(Folder(str(tmp_path)), make_report(1, WRITTEN))
    os.truncate(tmp_path / report.key, 2**40)  # a hole of a terabyte
    assert [run.state for run in read(tmp_path)] == ["passed"]


def test_a_report_that_only_begins_late_with_images_is_read(tmp_path: Path) -> None:
    report = make_report(1, WRITTEN)
    options = {"include": ["x" * 100] * 10_000}
    keep(Folder(str(tmp_path)), replace(report, options=options))
    assert [run.state for run in read(tmp_path)] == ["passed"]


def change(path: str, value: Any) -> bytes:
    """A report with another value at a place."""
    content = json.loads(make_report(1, WRITTEN).to_json())
    *parents, name = path.split(".")
    place = content
    for parent in parents:
        place = place[parent]
    place[name] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b"x" * 5_000_000,
        b'{"run": {}, "images": []}',
        change("counts.written", -1),
        change("counts.written", 10**400),
        change("counts", None),
        change("run.seconds", float("nan")),
        change("run.started", "2026-11-29T02:00:00"),
        change("run.model", "bundled"),
        change("summary.megapixels", float("inf")),
        change("summary", []),
    ],
    ids=range(15),
)
def test_a_report_that_cannot_be_read_hides_no_other(content: bytes, tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    keep(folder, make_report(1, WRITTEN))
    keep(folder, make_report(2, WRITTEN), content)
    newest, oldest = read(tmp_path)
    assert (newest.state, newest.head) == ("unreadable", None)
    assert newest.problem
    assert newest.problem.isprintable()
    assert len(newest.problem) <= 200
    assert oldest.state == "passed"


@given(st.binary(max_size=300))
@example(b', "images": [')
def test_whatever_a_report_holds_it_is_a_run(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("history")
    keep(Folder(str(path)), make_report(1), content or b" ")
    assert [run.state for run in read(path)] == ["unreadable"]


def test_a_pipe_and_a_file_without_access_are_runs_that_cannot_be_read(tmp_path: Path) -> None:
    keep(Folder(str(tmp_path)), make_report(1, WRITTEN))
    os.mkfifo(tmp_path / make_report(2).key)
    assert [run.state for run in read(tmp_path)][-1] == "passed"


def test_other_files_are_no_runs(tmp_path: Path) -> None:
    report = keep(Folder(str(tmp_path)), make_report(1, WRITTEN))
    runs = (tmp_path / report.key).parent
    for name in ("notes.json", "20261101T020000.000000Z-000001.html", "x.part"):
        (runs / name).write_text("{}")
    (runs / "old").mkdir()
    (tmp_path / report.key).rename(runs / "old" / (tmp_path / report.key).name)
    keep(Folder(str(tmp_path)), make_report(2, WRITTEN))
    assert [run.run_id[:8] for run in read(tmp_path)] == ["20261102"]


def test_a_destination_without_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".srcnn" / "runs").mkdir(parents=True)
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError, match=r"no runs are recorded in \.srcnn/runs/ there"):
            read(path)


def test_the_failures_of_the_last_run_are_those_that_can_be_known(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    lost = replace(FAILED, source="c.png", error=Failure("Lost", "run again"))
    keep(folder, make_report(1, replace(FAILED, source="old.png")))
    keep(folder, make_report(2, WRITTEN, FAILED, lost))
    run, images = read_failures(folder)
    assert run.run_id.startswith("20261102")
    assert [image["source"] for image in images] == [FAILED.source]
    keep(folder, make_report(3), b'{"images": [3]}')
    with pytest.raises(UnusableFileError, match="not a report"):
        read_failures(folder)


def test_a_bucket_has_a_history_too(bucket: str) -> None:
    folder = Folder(f"{bucket}/upscaled")
    with pytest.raises(UsageError, match="no runs are recorded"):
        read_history(folder, 14)
    for day in range(1, 21):
        keep(folder, make_report(day, WRITTEN, *([FAILED] * 200 * (day == 20))))
    runs = read_history(folder, 14)
    assert [run.run_id[6:8] for run in runs] == [f"{day:02}" for day in range(20, 6, -1)]
    assert [run.state for run in runs] == ["failed"] + ["passed"] * 13
    assert len(read_failures(folder)[1]) == 200
