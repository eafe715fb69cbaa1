"""Which failures are known: of one version of a file, for one reason, and never of the run."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from srcnn.batch.known_failures import KnownFailures, read_known_failures
from srcnn.image_task import Failure, ImageResult
from srcnn.reporting.result_lines import result_fields
from srcnn.storage.file_table import FileInfo
from srcnn.storage.retries import DEFAULT_LIMITS


def failed(name: str = "a.png", kind: str = "DamagedImage", version: str = "1") -> ImageResult:
    info = FileInfo(100, version)
    return ImageResult(name, name, "failed", error=Failure(kind, "cut"), source_info=info)


def accept(tmp_path: Path, *results: ImageResult) -> KnownFailures:
    """Write the lines of a report, and read them."""
    file = tmp_path / "known.jsonl"
    file.write_text("".join(f"{json.dumps(result_fields(result))}\n" for result in results))
    return read_known_failures(str(file), DEFAULT_LIMITS)


def test_a_failure_is_known_by_file_version_and_type(tmp_path: Path) -> None:
    known = accept(tmp_path, failed())
    assert known.mark(failed()) == replace(failed(), known=True)
    otherwise = replace(failed(), error=Failure("DamagedImage", "another message"))
    assert known.mark(otherwise).known
    bigger = replace(failed(), source_info=FileInfo(101, "1"))
    for other in (failed("b.png"), failed(kind="ImageTooLarge"), failed(version="2"), bigger):
        assert known.mark(other) == other


@pytest.mark.parametrize("kind", ["NotAttempted", "Lost", "KilledWorker", "StorageUnavailable"])
def test_failures_of_the_run_are_never_known(kind: str, tmp_path: Path) -> None:
    assert not accept(tmp_path, failed(kind=kind)).mark(failed(kind=kind)).known


def test_a_file_without_a_version_is_never_known(tmp_path: Path) -> None:
    assert not accept(tmp_path, failed(version="")).mark(failed(version="")).known


def test_names_that_are_not_unicode_are_known_too(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\n.png")
    assert accept(tmp_path, failed(name)).mark(failed(name)).known


def test_what_was_written_is_left_alone(tmp_path: Path) -> None:
    written = ImageResult("a.png", "a.png", "written")
    known = accept(tmp_path, failed(), failed("b.png"))
    assert known.mark(written) == written
    assert known.list_outdated([written, failed("b.png")]) == ["a.png"]
