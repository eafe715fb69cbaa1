"""Where the figures of each part are kept, so that one part can be measured again alone."""

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

FOLDER = Path(__file__).parent / "results"
QUICK = FOLDER / "quick"  # git leaves it out: what tiny inputs give says nothing


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser with what all parts take."""
    made = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="tiny inputs, one round: a smoke test")
    made.add_argument("--threads", type=int, help="cores to take; all that may be used, if unset")
    made.add_argument("--results", type=Path, help=f"folder for the figures; {FOLDER}, if unset")
    return made


class Part:
    """One part's run: takes its cores, and writes its figures with what they were made on."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        """Begin.

        Args:
            name: of the file, without its extension.
            options: as `parser` reads them.
        """
        self._name = name
        self._folder = options.results or (QUICK if options.quick else FOLDER)
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
        """Keep the figures; all processes of the part have ended."""
        self._folder.mkdir(parents=True, exist_ok=True)
        took = time.monotonic() - self._began
        total, own = (
            now - before for now, before in zip(machine.busy_seconds(), self._busy, strict=True)
        )
        others = round(max(0, total - own) / took, 2)
        about = self._about | {"took_seconds": round(took), "cores_of_others": others}
        place = self._folder / f"{self._name}.json"
        place.write_text(json.dumps({"about": about, **_short(figures)}, indent=1) + "\n")
        print(f"{place}, in {about['took_seconds']} s", file=sys.stderr)


def _short(value: Any) -> Any:
    """Six digits: more would only make the files' history larger."""
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_short(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """A part's figures; None where it was not measured."""
    place = folder / f"{name}.json"
    if not place.exists():
        return None
    figures: dict[str, Any] = json.loads(place.read_text())
    return figures
