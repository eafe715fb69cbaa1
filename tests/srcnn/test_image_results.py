"""Results are by source, whether they are objects or rows, and make the same lines."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from srcnn.geometry import Size
from srcnn.image_results import UP_TO_DATE, ImageResults
from srcnn.image_task import Failure, ImageResult
from srcnn.reporting.result_lines import format_lines, result_fields
from srcnn.storage.key_columns import encode_key

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
sizes = st.tuples(*[st.integers(1, 2**31 - 1)] * 4)
rows = st.tuples(names, st.one_of(st.none(), sizes), st.floats(1, 100))


def build(row: tuple[str, tuple[int, int, int, int] | None, float]) -> ImageResult:
    source, sides, quality = row
    if sides is None:
        return ImageResult(source, f"{source}.jpg", "skipped")
    before, after = Size(*sides[:2]), Size(*sides[2:])
    scale = (after.height / before.height, after.width / before.width)
    return ImageResult(source, f"{source}.jpg", "skipped", scale, before, after, quality=quality)


def make_table(found: list[tuple[str, tuple[int, int, int, int] | None, float]]) -> pa.Table:
    values = [
        (encode_key(source), encode_key(f"{source}.jpg"), *(sides or [None] * 4), quality)
        for source, sides, quality in found
    ]
    columns = zip(*values, strict=True) if values else [()] * len(UP_TO_DATE)
    arrays = [pa.array(column, each.type) for column, each in zip(columns, UP_TO_DATE, strict=True)]
    return pa.Table.from_arrays(arrays, schema=UP_TO_DATE)


@given(st.lists(rows, unique_by=lambda row: row[0]), st.integers(0, 10))
def test_rows_and_objects_are_one_list_by_source(
    found: list[tuple[str, tuple[int, int, int, int] | None, float]], tasks: int
) -> None:
    found.sort(key=lambda row: row[0])
    failed = [
        ImageResult(source, None, "failed", error=Failure("Damaged", "it's “cut”"))
        for source, _, _ in found[:tasks]
    ]
    results = ImageResults(up_to_date=make_table(found[tasks:])).add(reversed(failed))
    expected = failed + [build(row) for row in found[tasks:]]
    assert list(results) == expected
    assert len(results) == len(found)
    lines = [json.loads(line) for line in format_lines(results)]
    assert lines == json.loads(json.dumps([result_fields(each) for each in expected]))
