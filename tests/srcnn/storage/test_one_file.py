"""A single file as a folder, in every kind of storage."""

from __future__ import annotations

import pickle
import uuid
from pathlib import Path

import pytest

from srcnn.errors import SourceMissingError
from srcnn.storage.atomic_files import write_file
from srcnn.storage.folder import Folder
from srcnn.storage.one_file import OneFile


@pytest.fixture(params=["path", "file", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    places = {"path": str(tmp_path), "file": f"file://{tmp_path}"}
    return places.get(request.param, f"memory://{uuid.uuid4().hex}")


def test_it_is_listed_as_its_folder_lists_it(root: str) -> None:
    for name in ("a.jpg", "b.jpg", "c/d.jpg"):
        write_file(f"{root}/{name}", name.encode())
    file = OneFile(f"{root}/a.jpg")
    assert file.files() == {"a.jpg": Folder(root).files()["a.jpg"]}
    assert file.read("a.jpg") == b"a.jpg"
    assert (file.given, file.get_url("a.jpg")) == (f"{root}/a.jpg", f"{root}/a.jpg")
    copy = pickle.loads(pickle.dumps(file))  # noqa: S301 - our own
    assert copy.files() == file.files()
    assert copy.given == file.given


def test_a_folder_is_no_file(root: str) -> None:
    write_file(f"{root}/c.jpg/d.jpg", b"d")
    for name in ("c.jpg", "none.jpg"):
        with pytest.raises(SourceMissingError, match=r"\.jpg: no such file"):
            OneFile(f"{root}/{name}").files()


def test_it_may_be_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(b"a")
    file = OneFile("a.jpg")
    assert list(file.files()) == ["a.jpg"]
    assert (file.local_path, file.get_url("a.jpg")) == (tmp_path, "a.jpg")
