"""Writes and reads the figures of each part, so that one part can be measured again alone."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import machine
from options import FIGURES, QUICK_FIGURES


class Part:
    """The run of one part: pins itself to its cores and writes its figures."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        """Start the clock and restrict this process to its cores.

        Args:
            name: of the file, without its extension.
            options: as `options.make_part_parser` reads them.
        """
        self._name = name
        self._folder = options.results or (QUICK_FIGURES if options.quick else FIGURES)
        self._began = time.monotonic()
        self._busy = machine.busy_seconds()
        cores = sorted(os.sched_getaffinity(0))
        self.threads: int = options.threads or len(cores)
        os.sched_setaffinity(0, cores[: self.threads])  # children inherit it
        self._about = {
            "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "quick": options.quick,
            "threads": self.threads,
            "machine": machine.describe(),
        }

    def write(self, figures: dict[str, Any]) -> None:
        """Write the figures; call it after all child processes have ended."""
        self._folder.mkdir(parents=True, exist_ok=True)
        took = time.monotonic() - self._began
        total, own = (
            now - before for now, before in zip(machine.busy_seconds(), self._busy, strict=True)
        )
        others = round(max(0, total - own) / took, 2)
        about = self._about | {"took_seconds": round(took), "cores_of_others": others}
        path = self._folder / f"{self._name}.json"
        content = {"about": about, **_shorten(figures)}
        path.write_text(json.dumps(content, indent=1) + "\n")
        print(f"{path}, in {about['took_seconds']} s", file=sys.stderr)


def _shorten(value: Any) -> Any:
    """Round to six digits: more would only make the history of the files larger."""
    if isinstance(value, dict):
        return {key: _shorten(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the figures of a part, or None if it was not measured."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures
