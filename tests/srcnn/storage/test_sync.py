"""Power cuts: a file's content is on the disk before its name, and its name before its record."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srcnn.destination.ledger import LEDGER_FOLDER
from tests.support.paths import ROOT

WRITE = """
import sys
from srcnn.destination.recorder import Recorder
from srcnn.destination.records import Record
from srcnn.geometry import Size
from srcnn.storage.folder import Folder
from srcnn.storage.file_table import FileInfo
dst = Folder(sys.argv[1])
with Recorder(dst, "run") as recorder:
    info = dst.write("a/b.png", b"content")
    sizes = Size(1, 1), Size(2, 2)
    recorder.add(Record("a/b.png", "s", FileInfo(1, "v"), info, "2", "d", "m", *sizes))
"""


def test_contents_are_synced_before_names_and_names_before_records(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    log, out = tmp_path / "log", tmp_path / "out"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2"
    command = [strace, "-f", "-y", "-s", "4096", "-e", calls, "-o", str(log)]
    command += [sys.executable, "-c", WRITE, str(out)]
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode and not log.exists():
        pytest.skip("tracing is not permitted here")
    assert done.returncode == 0
    steps = [line for line in log.read_text().splitlines() if str(out) in line]
    found = [_describe(line, out) for line in steps]
    assert found == [
        "sync a/<temporary>",
        "rename a/<temporary> a/b.png",
        *sorted(["sync .", "sync a"], key=found.index),
        f"sync {LEDGER_FOLDER}<temporary>",
        f"rename {LEDGER_FOLDER}<temporary> {LEDGER_FOLDER}<record>",
        *sorted(["sync .", "sync .srcnn", "sync .srcnn/ledger"], key=found[6:].index),
    ]


def _describe(line: str, out: Path) -> str:
    names = re.findall(rf'[<"]{out}/?([^>"]*)[>"]', line)
    names = [re.sub(r"\.srcnn-[0-9a-f]+\.part", "<temporary>", name) or "." for name in names]
    names = [re.sub(r"run-[0-9a-f]+\.jsonl", "<record>", name) for name in names]
    return " ".join(["sync" if "sync(" in line else "rename", *names])
