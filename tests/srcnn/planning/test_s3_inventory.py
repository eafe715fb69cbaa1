"""S3 Inventory in CSV and Parquet, as it comes."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import SourceMissingError, UsageError
from srcnn.planning.manifest_rows import ListedRows
from srcnn.planning.s3_inventory import is_inventory, read_inventory
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import decode_keys
from tests.support.inventories import (
    FOLDER,
    MANIFEST,
    make_csv_part,
    make_manifest,
    make_parquet_part,
    make_row,
)

SOURCE = Folder("s3://photos/in")
FORMS = {"CSV": make_csv_part, "Parquet": make_parquet_part}
ROWS = [
    make_row("photos", "in/a b+é%.jpg", size=10, e_tag="0123-2"),
    make_row("photos", "in/sub/b.jpg", size=20, e_tag='"abc"'),
    make_row("photos", "in/old.jpg", is_latest=False, size=1, e_tag="1"),
    make_row("photos", "in/gone.jpg", is_delete_marker=True),
    make_row("photos", "in/no-etag.jpg", size=3),
    make_row("photos", "in/folder/", size=0, e_tag="d41d"),
    make_row("photos", "in/", size=0, e_tag="d41d"),
    make_row("photos", "index/a.jpg", size=1, e_tag="1"),
    make_row("others", "in/a.jpg", size=1, e_tag="1"),
]
FOUND = [
    ("a b+é%.jpg", 10, b"0123-2"),
    ("sub/b.jpg", 20, b"abc"),
    ("no-etag.jpg", 0, b""),
]


def write(folder: Path, form: str, *parts: bytes, **options: Any) -> str:
    """Write a local copy of an inventory; return the path of its manifest."""
    names = [f"{index}.part" for index in range(len(parts))]
    path = folder / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(make_manifest("photos", form, names, **options))
    (folder / FOLDER / "data").mkdir(exist_ok=True)
    for name, content in zip(names, parts, strict=True):
        (folder / FOLDER / "data" / name).write_bytes(content)
    return str(path)


def read(url: str, source: Folder = SOURCE) -> ListedRows:
    content = Path(url).read_bytes()
    assert is_inventory("i", content)
    return read_inventory(source, url, content)


def show(rows: ListedRows) -> list[tuple[str, int, bytes]]:
    table = rows.table.combine_chunks()
    keys = decode_keys(table["key"].combine_chunks())
    return list(zip(keys, table["size"].to_pylist(), table["version"].to_pylist(), strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_the_latest_objects_below_the_source_are_listed(tmp_path: Path, form: str) -> None:
    make = FORMS[form]
    url = write(tmp_path, form, make(ROWS[:4]), make([]), make(ROWS[4:]))
    rows = read(url)
    assert show(rows) == FOUND
    assert rows.warnings == [f"{url}: left out objects that are not below --src: 2"]


def test_one_file_of_parquet_is_read_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    path.write_bytes(make_parquet_part(ROWS))
    assert show(read(str(path))) == FOUND


def test_a_whole_bucket_has_all_keys(tmp_path: Path) -> None:
    rows = [make_row("photos", "a.jpg"), make_row("photos", "in/b.jpg")]
    found = read(write(tmp_path, "CSV", make_csv_part(rows)), Folder("s3://photos"))
    assert [key for key, *_ in show(found)] == ["a.jpg", "in/b.jpg"]
    assert not found.warnings


def test_fields_may_be_few(tmp_path: Path) -> None:
    fields = ("bucket", "key")
    part = make_csv_part(ROWS[:2], fields)
    assert show(read(write(tmp_path, "CSV", part, fields=fields))) == [
        ("a b+é%.jpg", 0, b""),
        ("sub/b.jpg", 0, b""),
    ]


@given(keys=st.lists(st.binary(min_size=1, max_size=20), max_size=20, unique=True))
def test_any_key_is_read(tmp_path_factory: pytest.TempPathFactory, keys: Sequence[bytes]) -> None:
    names = [key.replace(b"/", b"").decode("utf-8", "surrogateescape") for key in keys]
    names = [name for name in names if name]
    part = make_csv_part([make_row("photos", f"in/{name}") for name in names])
    rows = read(write(tmp_path_factory.mktemp("inventory"), "CSV", part))
    assert [key for key, *_ in show(rows)] == names


def refuse(url: str, source: Folder = SOURCE) -> str:
    with pytest.raises(UsageError) as caught:
        read(url, source)
    return str(caught.value).replace(url, "manifest.json")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    part = make_csv_part(ROWS)
    url = write(tmp_path, "CSV", part)
    assert refuse(url, Folder("s3://holidays/in")) == (
        "manifest.json: lists the bucket photos, but --src is in holidays: give the inventory of "
        "that bucket"
    )
    assert refuse(url, Folder("photos")) == (
        "manifest.json is an S3 Inventory, which lists a bucket: --src photos is none"
    )
    assert "ORC is not read: choose CSV or Parquet" in refuse(write(tmp_path, "ORC", part))
    no_key = write(tmp_path, "CSV", part, fields=("bucket", "size"))
    assert "expected the fields Bucket and Key in fileSchema" in refuse(no_key)
    Path(url).write_bytes(b'{"sourceBucket": 3}')
    assert "not a manifest.json of an S3 Inventory" in refuse(url)


def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    url = write(tmp_path, "CSV", b"")
    part = tmp_path / FOLDER / "data" / "0.part"
    part.unlink()
    with pytest.raises(SourceMissingError, match=r"data/0\.part: no such file"):
        read(url)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not gzip",
        make_csv_part(ROWS)[:-20],
        make_csv_part(ROWS)[:-4] + b"0000",
        gzip.compress(b'"photos","in/a.jpg"\n'),
        gzip.compress(b"0" * 50_000_000),
    ],
    ids=["empty", "other", "cut", "checksum", "other fields", "endless row"],
)
def test_a_damaged_part_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "0.part: cannot be read as gzipped CSV: " in refuse(write(tmp_path, "CSV", content))


def test_rows_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srcnn.planning.inventory_rows.MOST_ROWS", 3)
    message = refuse(write(tmp_path, "CSV", make_csv_part(ROWS)))
    assert message == "manifest.json: expected up to 3 rows: give the inventory a prefix"
