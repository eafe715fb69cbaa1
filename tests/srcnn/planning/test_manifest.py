"""Manifests: what they list, and what is asked for of each image."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.parse_scale import parse_scale
from srcnn.planning.manifest import ManifestResolver, read_manifest
from srcnn.planning.manifest_rows import ListedRows, read_listed_rows
from srcnn.planning.scales_file import Resolved, ScaleResolver, read_scales
from srcnn.source_quality import SourceQuality
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import decode_keys
from tests.support.jobs import open_bundled

DEFAULT = Resolved(parse_scale("2"), SourceQuality())


def to_parquet(columns: dict[str, Any] | pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, file, **options)
    return file.getvalue()


def show(rows: ListedRows) -> list[tuple[str, str, str]]:
    keys, given = decode_keys(rows.table["key"].combine_chunks()), rows.given
    chosen = (given[index] for index in rows.table["choice"].to_pylist())
    return [
        (key, str(each.scale), str(each.quality)) for key, each in zip(keys, chosen, strict=True)
    ]


def read_refused(name: str, content: bytes) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read_listed_rows(name, content)
    return str(caught.value).splitlines()


ROWS = [
    ("a.jpg", "1.3", "None"),
    ("b/photo[1].jpg", "None", "75"),
    (" c.png", "None", "None"),
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", b"path,scale,quality\na.jpg,1.3,\n./b/photo[1].jpg,,75\n c.png,,\n"),
        (
            "m.jsonl",
            b'{"path": "a.jpg", "scale": 1.3}\n{"path": "b/photo[1].jpg", "quality": 75}\n'  # noqa: ISC004 - one text
            b'{"path": " c.png", "scale": null, "quality": null}\n',
        ),
        (
            "m.parquet",
            to_parquet(
                {
                    "id": [1, 2, 3],
                    "path": ["a.jpg", "./b/photo[1].jpg", " c.png"],
                    "scale": [1.3, None, None],
                    "quality": [None, 75, None],
                }
            ),
        ),
        (
            "m.bin",
            to_parquet(
                {
                    "quality": [None, "75", ""],
                    "path": [b"a.jpg", b"b/photo[1].jpg", b" c.png"],
                    "scale": ["1.3", None, " "],
                }
            ),
        ),
    ],
    ids=["csv", "json lines", "parquet", "parquet by content"],
)
def test_rows_are_paths_with_what_is_asked_for(name: str, content: bytes) -> None:
    assert show(read_listed_rows(name, content)) == ROWS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", b"path\na.jpg\nb.jpg\n"),
        ("m.jsonl", b'{"path": "a.jpg"}\n{"path": "b.jpg"}\n'),
        ("m.parquet", to_parquet({"path": ["a.jpg", "b.jpg"]})),
    ],
)
def test_paths_alone_are_enough(name: str, content: bytes) -> None:
    rows = read_listed_rows(name, content)
    assert show(rows) == [("a.jpg", "None", "None"), ("b.jpg", "None", "None")]
    assert rows.table["version"].to_pylist() == [b"", b""]


@pytest.mark.parametrize("path", ["*.jpg", "a/**", "photo?.png"])
def test_patterns_are_refused_with_their_line(path: str) -> None:
    (message,) = read_refused("m.csv", f"path,scale\na.jpg,2\n{path},3\n".encode())
    assert message.startswith(f"m.csv:3: path {path!r}: expected the path of one file")
    (message,) = read_refused("m.parquet", to_parquet({"path": ["a.jpg", path]}))
    assert message.startswith(f"m.parquet:2: path {path!r}: ")


def test_all_wrong_rows_are_named() -> None:
    content = b"path,scale\n,2\na.jpg,0\nb.jpg,2,3\n"
    assert [line.partition(": ")[0] for line in read_refused("m.csv", content)] == [
        "m.csv:2",
        "m.csv:3",
        "m.csv:4",
    ]
    (message,) = read_refused("m.csv", b"file,scale\na,2\n")
    assert message.startswith("m.csv:1: expected the header 'path' ")
    (message,) = read_refused("m.parquet", to_parquet({"file": ["a"]}))
    assert message == "m.parquet: expected the columns path, got 'file'"


def test_a_list_has_a_limit_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srcnn.planning.manifest_rows.MOST_ROWS", 2)
    monkeypatch.setattr("srcnn.planning.parquet_rows.MOST_ROWS", 2)
    assert read_listed_rows("m.csv", b"path\na\nb\n").table.num_rows == 2
    (message,) = read_refused("m.csv", b"path\na\nb\nc\n")
    assert message == "m.csv:4: expected up to 2 rows: split the list"
    (message,) = read_refused("m.parquet", to_parquet({"path": ["a", "b", "c"]}))
    assert message == "m.parquet: expected up to 2 rows, got 3: split the list"


def test_the_last_row_of_an_image_counts(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"path,scale\nb.jpg,3\na.jpg,4\nb.jpg,5\nc.jpg,\n")
    manifest = read_manifest(Folder(str(tmp_path)), str(tmp_path / "m.csv"))
    assert list(manifest.files) == ["a.jpg", "b.jpg", "c.jpg"]
    resolver = ManifestResolver(manifest, DEFAULT, open_bundled().graph)
    wanted = manifest.files.filter(pa.array([False, True, True]))
    choices, resolved, rows = resolver.resolve_all(wanted)
    assert rows is None
    assert [str(resolved[index].scale) for index in choices] == ["5", "2"]
    assert resolver.list_warnings() == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0*?"))))
def test_any_name_is_itself(paths: Sequence[str]) -> None:
    named = [path for path in paths if path.strip()]
    rows = read_listed_rows("m.parquet", to_parquet({"path": pa.array(named, pa.string())}))
    assert [key for key, *_ in show(rows)] == [path.removeprefix("./") for path in named]


def test_a_path_that_no_file_can_have_is_refused_with_its_line() -> None:
    content = b'{"path": "a\\udcff.jpg"}\n{"path": "\\ud800.jpg", "scale": 2}\n'
    expected = "m.jsonl:2: path '\\ud800.jpg': expected text, got half of a surrogate pair"
    assert read_refused("m.jsonl", content) == [expected]
    with pytest.raises(UsageError, match="half of a surrogate pair"):
        read_scales("s.jsonl", content.splitlines()[1])


def test_parquet_is_a_scales_file_too() -> None:
    content = to_parquet({"path": ["*.jpg", "a.jpg"], "scale": [1.1, 3.0], "quality": ["", "75"]})
    scales = read_scales("s.parquet", content)
    assert [(row.line, row.glob.text, str(row.scale)) for row in scales.rows] == [
        (1, "*.jpg", "1.1"),
        (2, "a.jpg", "3"),
    ]
    resolver = ScaleResolver(scales, None, open_bundled().graph)
    assert str(resolver.resolve("a.jpg").quality) == "75"


@given(st.binary(max_size=200))
def test_damaged_parquet_is_refused(content: bytes) -> None:
    whole = to_parquet({"path": ["a.jpg"] * 100})
    for damaged in (b"PAR1" + content, whole[:-8] + content, whole[:20] + content + whole[40:]):
        with suppress(UsageError):
            read_listed_rows("m.parquet", damaged)


def test_parquet_of_other_types_is_refused() -> None:
    (message,) = read_refused("m.parquet", to_parquet({"path": [["a"]]}))
    assert message.startswith("m.parquet: column path: expected texts or numbers, got list<")


def test_a_text_that_fills_the_memory_when_repeated_is_refused() -> None:
    # 300 GB if each row had its own copy; 1 MB as a file.
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * 300_000, pa.int32()), ["x" * 1_000_000])
    (message,) = read_refused("m.parquet", to_parquet({"path": bomb}))
    assert message == "m.parquet: expected texts of up to 16,384 bytes, got 1,000,000"


def test_row_groups_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srcnn.planning.parquet_rows._ROW_GROUP_BYTES", 1000)
    content = to_parquet({"path": [f"{number}.jpg" for number in range(1000)]})
    (message,) = read_refused("m.parquet", content)
    assert message.startswith("m.parquet: expected row groups of up to 1,000 bytes, got ")
