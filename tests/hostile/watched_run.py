"""Run the upscale command in a process of its own, and watch what it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

_SAMPLE_SECONDS = 0.05
_OWN_VARIABLES = ("SRCNN_", "PREFECT_")


@dataclass(frozen=True)
class WatchedRun:
    """A run that ended, or was killed because it did not.

    Attributes:
        status: the exit status; below 0 by a signal; None if it did not end in time.
        output: of both streams.
        peak_bytes: the most memory that was resident.
        seconds: how long it took.
        report: as JSON; None if there is none.
    """

    status: int | None
    output: str
    peak_bytes: int
    seconds: float
    report: dict[str, Any] | None


def run_watched(
    options: Sequence[str | Path],
    folder: Path,
    settings: Mapping[str, str],
    timeout_seconds: float,
    on_sample: Callable[[int], None] = lambda _: None,
) -> WatchedRun:
    """Run `flows/upscale.py`, and return how it went.

    Args:
        options: of the command, without `--report`.
        folder: where the report and the output of the streams are put.
        settings: variables of the command; no other settings reach it.
        timeout_seconds: after which it is killed.
        on_sample: called with the process's number, some times a second.
    """
    report, output = folder / "report.json", folder / "output.txt"
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
    command = [sys.executable, "flows/upscale.py", *map(str, options), "--report", str(report)]
    began, peak = time.monotonic(), 0
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            command, cwd=ROOT, env=kept | dict(settings), stdout=stream, stderr=subprocess.STDOUT
        ) as process,
    ):
        while process.poll() is None and time.monotonic() - began < timeout_seconds:
            peak = max(peak, read_memory(process.pid, "VmHWM"))
            on_sample(process.pid)
            time.sleep(_SAMPLE_SECONDS)
        status = process.poll()
        process.kill()
    return WatchedRun(
        status,
        output.read_text(errors="replace"),
        peak,
        time.monotonic() - began,
        json.loads(report.read_text()) if report.exists() else None,
    )


def read_memory(process: int, name: str) -> int:
    """Return a figure of a process's memory in bytes: VmRSS now, VmHWM at the peak; 0 if gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else 0
