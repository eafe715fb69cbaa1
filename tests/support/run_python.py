"""Runs Python in a process of its own, as a user of the project does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.paths import ROOT

# The type of the fixture `run`.
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_python(
    *arguments: str | Path,
    environment: Mapping[str, str],
    folder: Path = ROOT,
    stdin: str | None = None,
    timeout_seconds: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Runs Python with arguments, whatever its exit status, and returns what it printed.

    Args:
        arguments: of the interpreter: a script and its own, or `-c` and code.
        environment: all variables of the process; nothing is inherited.
        folder: the working directory.
        stdin: text for its standard input; inherited if None.
        timeout_seconds: after which the process is killed.

    Raises:
        subprocess.TimeoutExpired: after that time.
    """
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
