"""Which files of a source are read: none that a run wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from srcnn.planning.list_source import list_source, split_images
from srcnn.storage.folder import Folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name in (
        "a.png",
        "b/c.JPG",
        "b/notes.txt",
        "big/d.png",
        "big/.srcnn/ledger/1.jsonl",
        "b/old/e.png",
        "b/old/.srcnn/ledger/1.jsonl",
        ".srcnn/x/.srcnn/ledger/1.jsonl",
        ".hidden/f.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_outputs_of_earlier_runs_are_skipped_with_a_warning(source: Path) -> None:
    listing = list_source(Folder(str(source)), Folder(str(source.parent / "out")))
    assert listing.images == ["a.png", "b/c.JPG"]
    assert listing.ignored == {".txt": 1}
    assert [warning.partition(" contains ")[0] for warning in listing.warnings] == [
        f"{source}/b/old",
        f"{source}/big",
    ]


def test_a_destination_inside_the_source_is_skipped_without_one(source: Path) -> None:
    listing = list_source(Folder(str(source)), Folder(str(source / "big")))
    assert listing.images == ["a.png", "b/c.JPG"]
    (warning,) = listing.warnings
    assert warning.startswith(f"{source}/b/old contains outputs of an earlier run")
    assert not [key for key in listing.files if key.startswith("big/")]


def test_other_kinds_are_counted_and_companions_are_not() -> None:
    photographs = [f"{number}.HEIC" for number in range(10)]
    companions = ["a.xmp", "a.png.xmp", "b/IMG_1.AAE", "Thumbs.db", "b/desktop.ini", "scales.csv"]
    others = ["a.psd", "b.psd", "b/scales.csv", "README"]
    images, ignored = split_images([*photographs, *companions, *others, "a.mpo", "b.apng"])
    assert images == ["a.mpo", "b.apng"]
    assert ignored == {".heic": 10, ".psd": 2, "no extension": 1, ".csv": 1}


def test_rare_kinds_are_counted_together() -> None:
    names = [f"a.{number}" for number in range(500)] + ["a.heic", "b.heic"]
    ignored = split_images(names)[1]
    assert (len(ignored), ignored[".heic"], sum(ignored.values())) == (21, 2, 502)
    assert ignored["other extensions"] == 481


def test_odd_keys_of_buckets_are_images_and_not_hidden() -> None:
    odd = ["../d.png", "./a.png", "/f.png", "photo.jpg/", "x/../c.png", "x//e.png"]
    assert split_images([*odd, ".hidden/a.png", "x/.b.png", "notes/"]) == (odd, {"no extension": 1})
