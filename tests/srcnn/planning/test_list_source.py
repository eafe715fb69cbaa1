"""Which files of a source are read: none that a run wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from srcnn.planning.list_source import list_source, split_images
from srcnn.storage.file_table import FileInfo, FileTable
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
    assert list(listing.images) == ["a.png", "b/c.JPG"]
    assert listing.ignored == {".txt": 1}
    assert [warning.partition(" contains ")[0] for warning in listing.warnings] == [
        f"{source}/b/old",
        f"{source}/big",
    ]


def test_a_destination_inside_the_source_is_skipped_without_one(source: Path) -> None:
    listing = list_source(Folder(str(source)), Folder(str(source / "big")))
    assert list(listing.images) == ["a.png", "b/c.JPG"]
    (warning,) = listing.warnings
    assert warning.startswith(f"{source}/b/old contains outputs of an earlier run")
    assert not [key for key in listing.files if key.startswith("big/")]


def split(keys: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    images, ignored = split_images(FileTable.of(dict.fromkeys(keys, FileInfo(1, "1"))))
    return list(images), ignored


def test_other_kinds_are_counted_and_companions_are_not() -> None:
    photographs = [f"{number}.CR2" for number in range(10)]
    companions = ["a.xmp", "a.png.xmp", "b/IMG_1.AAE", "Thumbs.db", "b/desktop.ini", "scales.csv"]
    others = ["a.psd", "b.psd", "b/scales.csv", "README"]
    images, ignored = split([*photographs, *companions, *others, "a.mpo", "b.apng"])
    assert images == ["a.mpo", "b.apng"]
    assert ignored == {".cr2": 10, ".psd": 2, "no extension": 1, ".csv": 1}


def test_rare_kinds_are_counted_together() -> None:
    names = [f"a.{number}" for number in range(500)] + ["a.nef", "b.nef"]
    ignored = split(names)[1]
    assert (len(ignored), ignored[".nef"], sum(ignored.values())) == (21, 2, 502)
    assert ignored["other extensions"] == 481


def test_odd_keys_of_buckets_are_images_and_not_hidden() -> None:
    odd = ["../d.png", "./a.png", "/f.png", "photo.jpg/", "x/../c.png", "x//e.png"]
    assert split([*odd, ".hidden/a.png", "x/.b.png", "notes/"]) == (odd, {"no extension": 1})


def test_hidden_files_and_folders_are_left_out_at_any_depth() -> None:
    hidden = [
        ".a.png",
        "x/.a.png",
        ".x/a.png",
        "..a.png",
        "...png",
        "x/.../a.png",
        "lost+found/a.png",
    ]
    assert split([*hidden, "x.y/a.png", "lost+found.png", "a..png"]) == (
        ["a..png", "lost+found.png", "x.y/a.png"],
        {},
    )


def test_names_that_are_not_utf8_or_have_line_breaks_are_images() -> None:
    odd = ["a\udcff.png", "a\n.PNG", "b\n/c.jpg"]
    assert split([*odd, "a.png\n", "a.png\nb"]) == (sorted(odd), {".png\n": 1, ".png\nb": 1})
