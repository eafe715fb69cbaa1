"""The report as a table: a row for each image, as the JSON has it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.geometry import Size
from srcnn.image_results import UP_TO_DATE, ImageResults
from srcnn.image_task import Failure, ImageResult
from srcnn.reporting.report_table import detect_table_form, write_table

SIZE, LARGE = Size(4, 6), Size(8, 18)
WRITTEN = ImageResult(
    "b.jpg", "b.jpg", "written", (2.0, 3.0), SIZE, LARGE, 0.12345, notes=("x", "y"), quality=75
)
FAILED = ImageResult("a.jpg", None, "failed", error=Failure("DamagedImage", 'not "one"\nline'))
names = st.binary(min_size=1).map(lambda name: name.decode("utf-8", "surrogateescape"))


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def read_parquet(content: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(pa.BufferReader(content)).to_pylist()
    return rows


def up_to_date(source: bytes, *sizes: int | None, quality: float | None = None) -> pa.Table:
    values = [source, source, *(sizes or [None] * 4), quality]
    return pa.table([[value] for value in values], schema=UP_TO_DATE)


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("r.csv", "csv"),
        ("s3://b/r.PARQUET", "parquet"),
        ("r.json", None),
        ("/dev/stdout", None),
        ("csv", None),
    ],
)
def test_the_name_decides(url: str, form: str | None) -> None:
    assert detect_table_form(url) == form


def test_parquet_has_each_image_with_its_types() -> None:
    images = ImageResults([FAILED, WRITTEN], up_to_date(b"aa.jpg", 4, 6, 8, 18, quality=60.5))
    failed, skipped, written = read_parquet(write_table(images, "parquet"))
    nothing = dict.fromkeys(failed)
    sizes = {"height_in": 4, "width_in": 6, "height_out": 8, "width_out": 18}
    scale = {"scale_height": 2.0, "scale_width": 3.0}
    assert failed == nothing | {
        "source": "a.jpg",
        "status": "failed",
        "seconds": 0.0,
        "error_type": "DamagedImage",
        "error_message": 'not "one"\nline',
        "known": False,
    }
    assert skipped == nothing | sizes | scale | {
        "source": "aa.jpg",
        "output": "aa.jpg",
        "status": "skipped",
        "quality": 60.5,
        "seconds": 0.0,
    }
    assert written == nothing | sizes | scale | {
        "source": "b.jpg",
        "output": "b.jpg",
        "status": "written",
        "quality": 75.0,
        "seconds": 0.123,
        "notes": "x; y",
    }


def test_csv_has_the_same_rows() -> None:
    rows = read_csv(write_table(ImageResults([FAILED, WRITTEN]), "csv"))
    assert [row["source"] for row in rows] == ["a.jpg", "b.jpg"]
    assert rows[0]["error_message"] == 'not "one"\nline'
    assert rows[0]["output"] == rows[0]["scale_height"] == ""
    assert (rows[1]["scale_width"], rows[1]["width_out"], rows[1]["notes"]) == ("3", "18", "x; y")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_run_without_images_has_a_header(form: Any) -> None:
    content = write_table(ImageResults(), form)
    if form == "csv":
        assert content.startswith(b'"source","output","status"')
    else:
        assert pq.read_schema(pa.BufferReader(content)).names[:3] == ["source", "output", "status"]


def test_clean_and_unknown_qualities_are_null_as_in_the_json() -> None:
    images = ImageResults([], up_to_date(b"a", 4, 6, 8, 18, quality=100.0))
    assert read_parquet(write_table(images, "parquet"))[0]["quality"] is None
    (row,) = read_parquet(write_table(ImageResults([], up_to_date(b"a")), "parquet"))
    assert row["quality"] is row["scale_height"] is row["height_in"] is None


def test_spreadsheets_find_no_formula() -> None:
    formula = '=cmd|"/c calc"!A1.png'
    images = ImageResults(
        [
            ImageResult("-1.png", None, "failed", error=Failure("X", "@SUM(A1)")),
            ImageResult(formula, formula, "written", notes=("+1",)),
        ]
    )
    first, second = read_csv(write_table(images, "csv"))
    assert (first["source"], first["error_message"]) == ("./-1.png", "'@SUM(A1)")
    assert (second["source"], second["output"], second["notes"]) == (
        f"./{formula}",
        f"./{formula}",
        "'+1",
    )
    assert read_parquet(write_table(images, "parquet"))[1]["source"] == formula


@given(names, names)
def test_any_name_can_be_written(first: str, second: str) -> None:
    images = ImageResults([ImageResult(first, second, "written")])
    images = ImageResults(images.others, up_to_date(second.encode("utf-8", "surrogateescape")))
    rows = read_parquet(write_table(images, "parquet"))
    assert len(rows) == len(read_csv(write_table(images, "csv"))) == 2
    if first.isprintable():
        assert first in {row["source"] for row in rows}


def test_names_that_are_not_utf_8_are_escaped() -> None:
    images = ImageResults([], up_to_date(b"a\xff.png"))
    (row,) = read_parquet(write_table(images, "parquet"))
    assert row["source"] == "a\\udcff.png"
