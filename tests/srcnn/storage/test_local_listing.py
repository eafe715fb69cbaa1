"""Folders that change while they are listed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from srcnn.storage.folder import Folder
from srcnn.storage.local_listing import list_local


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    for name in ("a/1.png", "b/2.png", "b/c/3.png", "4.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"1")
    return root


@pytest.fixture
def before_scanning(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Let something happen just before the system lists a folder of a name."""
    scandir = os.scandir

    def set_up(name: str, act: Callable[[], object]) -> None:
        def scan(path: str) -> Iterator[os.DirEntry[str]]:
            if Path(path).name == name:
                monkeypatch.setattr(os, "scandir", scandir)
                act()
            return scandir(path)

        monkeypatch.setattr(os, "scandir", scan)

    return set_up


def test_a_folder_that_is_removed_meanwhile_is_not_listed(root: Path, before_scanning: Any) -> None:
    before_scanning("b", lambda: (root / "b").rename(root.parent / "away"))
    assert list(list_local(str(root))) == ["4.png", "a/1.png"]


def test_a_folder_that_becomes_a_file_is_not_listed(root: Path, before_scanning: Any) -> None:
    def replace() -> None:
        (root / "a").rename(root.parent / "away")
        (root / "a").write_bytes(b"1")

    before_scanning("a", replace)
    assert list(list_local(str(root))) == ["4.png", "b/2.png", "b/c/3.png"]


@pytest.mark.parametrize("is_mounted_again", [False, True])
def test_the_folder_itself_must_stay(
    root: Path, before_scanning: Any, *, is_mounted_again: bool
) -> None:
    """Else the pictures of a disk that was unmounted would be missing without a word."""

    def unmount() -> None:
        root.rename(root.parent / "away")
        if is_mounted_again:
            shutil.copytree(root.parent / "away", root)

    before_scanning("b", unmount)
    with pytest.raises(OSError, match=r"No such file|replaced while it was listed") as caught:
        Folder(str(root)).files()
    assert str(root) in str(caught.value)
