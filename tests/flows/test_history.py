"""The command `srcnn history`: a table, JSON lines, and what `--known-failures` takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows import history, upscale
from flows.output.history_table import format_markdown, format_text
from srcnn.reporting.history import PastRun
from tests.support.run_here import run_here


@pytest.fixture
def destination(pictures: Path) -> Path:
    """The destination of two runs of pictures, of which one is broken, and of a lost report."""
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    for _ in range(2):
        assert run_here(upscale.app, pictures).returncode == 1
    destination = Path(f"{pictures}-upscaled")
    (destination / ".srcnn" / "runs" / "20261101T020000.000000Z-abcdef.json").write_text("\x1b")
    return destination


def test_the_runs_are_a_table(destination: Path) -> None:
    done = run_here(history.app, destination)
    assert done.returncode == 0
    head, *rows = done.stdout.splitlines()
    names = "started (UTC) state seconds requested written skipped failed known Mpx/s model run"
    assert head.split() == names.split()
    cells = [row.split() for row in rows]
    assert [row[2] for row in cells] == ["failed", "failed", "unreadable"]
    assert [row[4:9] for row in cells[:2]] == [["5", "0", "4", "1", "0"], ["5", "4", "0", "1", "0"]]
    assert cells[2][:2] == ["2026-11-01", "02:00"]
    assert "20261101T020000.000000Z-abcdef: " in done.stderr
    assert "\x1b" not in done.stderr
    assert len(run_here(history.app, destination, "--last", "1").stdout.splitlines()) == 2


def test_the_runs_are_json_lines(destination: Path) -> None:
    done = run_here(history.app, destination, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["state"] for line in lines] == ["failed", "failed", "unreadable"]
    assert lines[1]["counts"] == {"requested": 5, "written": 4, "skipped": 0, "failed": 1}
    assert lines[1]["src"] == str(destination).removesuffix("-upscaled")
    assert lines[1]["megapixels"] > 0
    assert lines[1]["versions"]["Python"].startswith("3.")
    assert {line["event"] for line in lines} == {"run"}
    assert lines[2]["problem"]


def test_its_failures_are_what_the_next_run_takes(destination: Path, pictures: Path) -> None:
    done = run_here(history.app, destination, "--failures")
    assert done.returncode == 0
    assert json.loads(done.stdout)["source"] == "cut.png"
    (pictures.parent / "known.jsonl").write_text(done.stdout)
    again = run_here(upscale.app, pictures, "--known-failures", pictures.parent / "known.jsonl")
    assert again.returncode == 0, again.stderr
    assert "1 failed (1 of them known)" in again.stderr
    (newest, *_) = run_here(history.app, destination).stdout.splitlines()[1:]
    assert newest.split()[2] == "passed"
    # A known failure stays acceptable: the file can be written again from the last run.
    assert json.loads(run_here(history.app, destination, "--failures").stdout)["known"] is True


def test_a_full_disk_is_an_error(destination: Path, clean_environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flows.main", "history", destination, "--failures"],
            env=clean_environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "error: No space left on device" in done.stderr


@pytest.mark.parametrize("option", [None, "--failures", "--json"])
def test_a_reader_that_goes_away_is_no_error(
    destination: Path, option: str | None, clean_environment: dict[str, str]
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "flows.main", "history", destination, *([option] if option else [])],
        env=clean_environment,
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert done.returncode == 0, done.stderr
    assert "ipe" not in done.stderr


def test_without_a_place_it_says_what_is_expected() -> None:
    done = run_here(history.app)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no destination: expected DST, a folder or prefix")
    assert "srcnn history DST" in done.stderr


def test_a_place_without_runs_is_a_mistake(tmp_path: Path) -> None:
    done = run_here(history.app, tmp_path)
    assert done.returncode == 2
    assert "expected the destination of an upscale run" in done.stderr
    done = run_here(history.app, tmp_path, "--json")
    assert (json.loads(done.stdout)["event"], done.returncode) == ("error", 2)
    assert run_here(history.app, "s3://key:secret@bucket").returncode == 2


def test_runs_that_cannot_be_read_have_a_row_too() -> None:
    runs = [PastRun("20261129T020000.000000Z-abcdef", None, "damaged")]
    assert "2026-11-29 02:00  unreadable" in format_text(runs)
    assert format_markdown(runs).splitlines()[-1].startswith("| 2026-11-29 02:00 | unreadable | ")
