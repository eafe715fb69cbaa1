"""Disks that are full, at the start or in the middle of a run, or that cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.run_python import Run
from tests.support.small_disk import SmallDisk, mount_small_disk

UPSCALE = "flows/upscale.py"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mount_small_disk(tmp_path / "disk", kilobytes=512) as mounted:
        yield mounted


def test_a_disk_without_room_for_the_lock(run: Run, pictures: Path, disk: SmallDisk) -> None:
    dst = disk.root / "out"
    dst.mkdir()
    disk.fill()
    done = run(UPSCALE, "--src", pictures, "--dst", dst, "--json")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {dst}/.srcnn/lock/1.json: cannot be written: No space left on device: free some "
        "space, and run again\n"
    )
    assert json.loads(done.stdout)["exit_status"] == 2
    assert not list(dst.iterdir())
    disk.empty()
    assert run(UPSCALE, "--src", pictures, "--dst", dst).returncode == 0


def test_a_disk_that_fills_up_during_the_run(
    run: Run, pictures: Path, disk: SmallDisk, tmp_path: Path
) -> None:
    dst, report = disk.root / "out", tmp_path / "report.json"
    disk.fill(left_bytes=60_000)
    done = run(UPSCALE, "--src", pictures, "--dst", dst, "--scale", "6", "--report", report)
    assert done.returncode == 1
    assert f"{dst}: No space left on device); report: {report}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    counts = json.loads(report.read_text())["counts"]
    assert counts["requested"] == 4
    assert counts["failed"] > 0
    assert not list(dst.glob(".srcnn/lock/*"))


def test_a_disk_that_cannot_be_written(run: Run, pictures: Path, disk: SmallDisk) -> None:
    disk.make_read_only()
    done = run(UPSCALE, "--src", pictures, "--dst", disk.root / "out", "--quiet")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {disk.root}/out/.srcnn/lock/1.json: cannot be written: Read-only file system\n"
    )


def test_a_source_that_cannot_be_written(run: Run, pictures: Path, disk: SmallDisk) -> None:
    (disk.root / "cat.png").write_bytes((pictures / "cat.png").read_bytes())
    disk.make_read_only()
    done = run(UPSCALE, "--src", disk.root, "--dst", pictures.parent / "out")
    assert done.returncode == 0, done.stderr
