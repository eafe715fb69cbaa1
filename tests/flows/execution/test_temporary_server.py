"""Prefect's temporary server: where it cannot start, and that it ends with its run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.paths import ROOT
from tests.support.run_python import Run

START = "from flows.execution.temporary_server import TemporaryServer; TemporaryServer().start()"


@pytest.mark.parametrize(
    "command",
    [
        ("flows/upscale.py", "--src", "photos"),
        ("flows/main.py", "export"),
        ("flows/train.py", "--src", "photos"),
    ],
)
def test_a_home_that_cannot_be_written_is_named(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--track", HOME="/dev/null/home")
    assert done.returncode == 2
    assert done.stderr == (
        "error: Prefect's temporary server cannot write to its folder /dev/null/home/.prefect (Not "
        "a directory): set PREFECT_HOME to a folder that can be written, or run with --no-track\n"
    )


def test_a_run_that_is_not_tracked_needs_no_home(run: Run, pictures: Path) -> None:
    done = run("flows/upscale.py", "--src", pictures, "--quiet", HOME="/dev/null/home")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_cannot_start_says_why_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"not a database")
    done = run("flows/upscale.py", "--src", "photos", "--track", PREFECT_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "did not start ((sqlite3.DatabaseError) file is not a database): check" in done.stderr
    assert f"{tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_run_leaves_no_server(tmp_path: Path, clean_environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=clean_environment | {"PREFECT_HOME": str(tmp_path)},
    )
    while not (children := psutil.Process(process.pid).children()):
        assert process.poll() is None
    process.kill()
    process.wait()
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert gone
    assert not alive
