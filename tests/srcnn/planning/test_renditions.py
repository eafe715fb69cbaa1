"""Several outputs of one source, by rows with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.parse_scale import parse_scale
from srcnn.planning.globs import Globs, parse_glob
from srcnn.planning.list_source import SourceListing
from srcnn.planning.manifest import ManifestResolver, build_manifest
from srcnn.planning.manifest_rows import SCHEMA, ListedRows
from srcnn.planning.name_template import NameTemplate, parse_name
from srcnn.planning.scales_file import Resolver, ScaleResolver, Scales
from srcnn.planning.scales_rows import RowChoice, ScaleRow
from srcnn.planning.select_images import PlanOptions, RequestedImages, select_images
from srcnn.storage.file_table import FileInfo, FileTable
from tests.support.jobs import open_bundled

GRAPH = open_bundled().graph
DEFAULT = ScaleResolver(None, None, GRAPH).default
KEYS = ["a.png", "b.png", "d/a.png", "d/e/c.png"]
NAMES = [None, "{stem}-s{ext}", "{stem}-m{ext}", "x/{folder}/{stem}{ext}"]
Outputs = set[tuple[str, str | None, str]]
"""Source, name and scale of each."""


class Row(NamedTuple):
    """A row, as it is written."""

    path: str
    scale: str
    name: str | None


def make_rows(paths: Sequence[str]) -> st.SearchStrategy[list[Row]]:
    scales, names = st.sampled_from(["1.5", "2", "3"]), st.sampled_from(NAMES)
    return st.lists(st.builds(Row, st.sampled_from(paths), scales, names), max_size=12)


def make_files(keys: Sequence[str]) -> FileTable:
    return FileTable.of({key: FileInfo(len(key), f"version of {key}") for key in keys})


def parse(name: str | None) -> NameTemplate | None:
    return parse_name(name) if name else None


def select(keys: Sequence[str], resolver: Resolver, name: str | None = None) -> RequestedImages:
    files = make_files(keys)
    listing = SourceListing(files, files, {}, [])
    return select_images(listing, "keep", PlanOptions(name=parse(name)), resolver)


def make_resolver(rows: Sequence[Row]) -> ScaleResolver:
    parsed = [
        ScaleRow(line, parse_glob(row.path), parse_scale(row.scale), None, parse(row.name))
        for line, row in enumerate(rows, start=2)
    ]
    return ScaleResolver(Scales("s.csv", parsed), None, GRAPH)


def check(images: RequestedImages, expected: Outputs) -> None:
    """Check the outputs: those that are expected, each once, with the file of its source."""
    found = list(images)
    wanted = {
        (source, parse_name(name).make_key(source, parse_scale(scale)) if name else source, scale)
        for source, name, scale in expected
    }
    assert {(each.source, each.output, str(each.scale)) for each in found} == wanted
    assert len({each.output for each in found}) == len(found) == len(expected)
    assert [each.source for each in found] == sorted(each.source for each in found)
    assert all(each.info == make_files(KEYS)[each.source] for each in found)


@given(make_rows(["*", "*.png", "a.png", "d", "d/*.png", "d/e/c.png", "none.png"]))
def test_an_image_has_an_output_for_each_name_that_a_row_gives_it(rows: list[Row]) -> None:
    expected: Outputs = set()
    for key in KEYS:
        matching = [row for row in rows if Globs([parse_glob(row.path)]).matches(key)]
        last = {row.name: row.scale for row in matching} or {None: str(DEFAULT.scale)}
        expected |= {(key, name, scale) for name, scale in last.items()}
    check(select(KEYS, make_resolver(rows)), expected)


@given(make_rows(KEYS))
def test_so_has_an_image_of_a_list(rows: list[Row]) -> None:
    given = [RowChoice(parse_scale(row.scale), name=parse(row.name)) for row in rows]
    count = len(rows)
    columns = [[row.path.encode() for row in rows], [0] * count, [b""] * count, range(count)]
    arrays = [pa.array(each, kind) for each, kind in zip(columns, SCHEMA.types, strict=True)]
    listed = ListedRows(pa.Table.from_arrays(arrays, schema=SCHEMA), given)
    manifest = build_manifest(listed)
    assert list(manifest.files) == sorted({row.path for row in rows})
    last = {(row.path, row.name): row.scale for row in rows}
    images = select(list(manifest.files), ManifestResolver(manifest, DEFAULT, GRAPH))
    check(images, {(path, name, scale) for (path, name), scale in last.items()})
    # Of some of the files: those of others are left out.
    some = [key for key in manifest.files if key.startswith("d/")]
    images = select(some, ManifestResolver(manifest, DEFAULT, GRAPH))
    check(images, {(path, name, scale) for (path, name), scale in last.items() if path in some})


def test_outputs_without_a_name_take_that_of_the_option() -> None:
    rows = [Row("a.png", "2", "{stem}-s{ext}"), Row("a.png", "3", None), Row("b.png", "3", None)]
    images = select(KEYS[:3], make_resolver(rows), "{stem}@{factor}x{ext}")
    assert [each.output for each in images] == ["a@3x.png", "a-s.png", "b@3x.png", "d/a@2x.png"]
    with pytest.raises(UsageError, match=r"a-s.png with no name and a.png with the name"):
        select(["a-s.png", "a.png"], make_resolver(rows[:1]))
    with pytest.raises(UsageError, match=r"'{stem}-{width}{ext}': {width} needs a scale"):
        select(KEYS, make_resolver([Row("*", "2", "{stem}-{width}{ext}")]))


def test_rows_that_decide_nothing_are_named() -> None:
    resolver = make_resolver([Row("a.png", "2", "{stem}-s{ext}"), Row("c", "2", "{stem}-s{ext}")])
    select(KEYS, resolver)
    assert resolver.list_warnings() == ["s.csv:3: 'c' matches no image"]


def test_few_rows_cannot_ask_for_any_number_of_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srcnn.planning.scales_file._MOST_OUTPUTS", 11)
    names = [f"{{stem}}-{number}{{ext}}" for number in range(3)]
    resolver = make_resolver([Row("*", "2", name) for name in names])
    assert len(select(KEYS[:3], resolver)) == 9
    with pytest.raises(UsageError, match=r"s.csv: expected up to 11 outputs .* at d/e/c.png"):
        select(KEYS, resolver)
