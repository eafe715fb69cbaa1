"""A file system of a few hundred kilobytes, real, mounted for one test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system.

    Attributes:
        root: its top folder.
    """

    def __init__(self, root: Path) -> None:
        """Wrap what is mounted there."""
        self.root = root

    def fill(self, left_bytes: int = 0) -> None:
        """Write a file that leaves this much room."""
        filler = self.root / "filler"
        filler.unlink(missing_ok=True)
        size = 0
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    size += file.write(bytes(4096))
            except OSError:
                file.truncate(max(0, size - left_bytes))

    def empty(self) -> None:
        """Remove that file."""
        (self.root / "filler").unlink()

    def make_read_only(self) -> None:
        """Refuse every write from now on."""
        subprocess.run(["mount", "-o", "remount,ro", self.root], check=True)  # noqa: S607 - where it is differs


@contextmanager
def mount_small_disk(root: Path, kilobytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of this size; skip the test where that is not allowed."""
    root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(root)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield SmallDisk(root)
    finally:
        subprocess.run(["umount", root], check=True)  # noqa: S607 - as above
