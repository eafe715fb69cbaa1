"""A command's first moments: signals, closed streams, and machines that give too little."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.run_python import run_python

UPSCALE = "flows/upscale.py"
# Stands in for a library of which the import takes long; it says that it has begun. It sleeps again
# and again: Python notices a signal that comes just before a sleep only after it.
SLOW = """
import sys, time
sys.stderr.write("importing\\n")
sys.stderr.flush()
for _ in range(6000):
    time.sleep(0.1)
"""


def start_slowly(
    script: str, folder: Path, environment: dict[str, str], *options: str
) -> subprocess.Popen[str]:
    """Start a command of which the import of cyclopts does not end."""
    (folder / "cyclopts.py").write_text(SLOW)
    command = [sys.executable, script, *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | {"PYTHONPATH": f"{folder}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "importing\n"
    return process


@pytest.mark.parametrize("script", [UPSCALE, "flows/export.py", "flows/train.py", "flows/main.py"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_imports_ends_in_a_sentence(
    script: str, number: signal.Signals, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    process = start_slowly(script, tmp_path, clean_environment, "--json")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stderr == f"error: interrupted by {number.name}\n"
    assert json.loads(stdout) == {
        "event": "error",
        "message": f"interrupted by {number.name}",
        "exit_status": 128 + number,
    }


def test_nohup_is_respected(tmp_path: Path, clean_environment: dict[str, str]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start_slowly(UPSCALE, tmp_path, clean_environment)
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


def shell(command: str, environment: dict[str, str], **options: object) -> tuple[int, str]:
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=options.get("folder", ROOT),  # type: ignore[call-overload]
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_do_not_matter(
    closed: str, pictures: Path, clean_environment: dict[str, str]
) -> None:
    command = f"{sys.executable} {UPSCALE} --src '{pictures}' --json --report /dev/stdout {closed}"
    status, output = shell(command, clean_environment)
    assert status == 0, output
    assert "Traceback" not in output
    (report,) = Path(f"{pictures}-upscaled", ".srcnn", "runs").glob("*.json")
    assert json.loads(report.read_text())["counts"]["written"] == 4


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ("ulimit -v 200000", "error: the limit of address space (ulimit -v) is 204 MB"),
        ("ulimit -n 5", "error: the limit of open files (ulimit -n) is 5, expected at least 64"),
    ],
)
def test_a_machine_that_gives_too_little(
    limits: str, sentence: str, pictures: Path, clean_environment: dict[str, str]
) -> None:
    command = f"{limits}; {sys.executable} {UPSCALE} --src '{pictures}'"
    status, output = shell(command, clean_environment)
    assert status == 2, output
    assert output.splitlines()[-1].startswith(sentence)
    assert "Traceback" not in output


def test_an_env_file_that_is_a_fifo_is_refused(
    pictures: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    os.mkfifo(tmp_path / ".env")
    command = f"{sys.executable} {ROOT}/{UPSCALE} --src '{pictures}'"
    status, output = shell(command, clean_environment, folder=tmp_path)
    assert (status, output) == (2, f"error: {tmp_path}/.env: expected a plain file\n")


def test_help_for_a_reader_that_went_away(clean_environment: dict[str, str]) -> None:
    command = f"{sys.executable} {UPSCALE} --help | head -c 1"
    _, output = shell(command, clean_environment)
    assert "Traceback" not in output
    assert "Exception ignored" not in output


def test_a_garbled_env_file_is_one_warning(
    tmp_path: Path, pictures: Path, clean_environment: dict[str, str]
) -> None:
    lines = ["# ours", "SRCNN_THREADS=1", *(f"garbage {n} do-not-repeat" for n in range(50))]
    (tmp_path / ".env").write_text("\n".join(lines))
    words = ["--src", pictures, "--dst", tmp_path / "out", "--quiet"]
    done = run_python(
        ROOT / "flows/upscale.py", *words, environment=clean_environment, folder=tmp_path
    )
    assert done.returncode == 0
    assert done.stderr == f"{tmp_path}/.env:3 is not NAME=value, and 49 more: ignored\n"
