"""The results of a run as a table, a row for each image: CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from srcnn.image_results import ROWS_PER_CHUNK, ImageResults
from srcnn.image_task import ImageResult
from srcnn.printable_text import one_line
from srcnn.source_quality import is_clean
from srcnn.storage.key_columns import decode_keys

TableForm = Literal["csv", "parquet"]

SCHEMA = pa.schema(
    [
        ("source", pa.large_string()),
        ("output", pa.large_string()),
        ("status", pa.large_string()),
        ("scale_height", pa.float64()),
        ("scale_width", pa.float64()),
        ("height_in", pa.int32()),
        ("width_in", pa.int32()),
        ("height_out", pa.int32()),
        ("width_out", pa.int32()),
        ("quality", pa.float64()),
        ("seconds", pa.float64()),
        ("error_type", pa.large_string()),
        ("error_message", pa.large_string()),
        ("known", pa.bool_()),
        ("notes", pa.large_string()),
    ]
)
_SIDES = ("height_in", "width_in", "height_out", "width_out")
# Spreadsheets compute what begins so, and names of files come from whoever made them.
_FORMULA = r"^[=+\-@\t\r]"


def detect_table_form(url: str) -> TableForm | None:
    """Return the form of a report by its name; None if it is no table."""
    name = url.lower()
    if name.endswith(".csv"):
        return "csv"
    return "parquet" if name.endswith(".parquet") else None


def write_table(images: ImageResults, form: TableForm) -> bytes:
    """Write the results, by source.

    Args:
        images: of a run.
        form: of the file. In CSV, a path that a spreadsheet would compute begins with `./`, and
            another text with an apostrophe.
    """
    table = _build_table(images)
    sink = pa.BufferOutputStream()
    if form == "csv":
        pa_csv.write_csv(_defuse(table), sink)
    else:
        pq.write_table(table, sink, compression="zstd", row_group_size=100_000)
    return bytes(sink.getvalue())


def _build_table(images: ImageResults) -> pa.Table:
    others = images.others
    chunks = [
        _build_rows(others[start : start + ROWS_PER_CHUNK])
        for start in range(0, len(others), ROWS_PER_CHUNK)
    ]
    chunks += map(_convert_up_to_date, images.list_chunks())
    return pa.concat_tables([SCHEMA.empty_table(), *chunks]).sort_by("source")


def _build_rows(results: list[ImageResult]) -> pa.Table:
    columns = zip(*map(_list_values, results), strict=True)
    arrays = [pa.array(values, kind.type) for values, kind in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _list_values(result: ImageResult) -> Iterator[object]:
    error = result.error
    yield from (_show(result.source), result.output and _show(result.output), result.status)
    yield from result.scale or (None, None)
    yield from result.size_in or (None, None)
    yield from result.size_out or (None, None)
    yield None if is_clean(result.quality) else result.quality
    yield round(result.seconds, 3)
    yield from (error.type, error.message, result.known) if error else (None, None, None)
    yield "; ".join(result.notes) or None


def _convert_up_to_date(rows: pa.Table) -> pa.Table:
    """Convert rows with the columns of `srcnn.image_results.UP_TO_DATE`."""
    sides = {name: rows[name] for name in _SIDES}
    columns = {
        "source": _decode(rows["source"]),
        "output": _decode(rows["output"]),
        "status": pa.repeat("skipped", len(rows)),
        "scale_height": pc.divide(sides["height_out"].cast(pa.float64()), sides["height_in"]),
        "scale_width": pc.divide(sides["width_out"].cast(pa.float64()), sides["width_in"]),
        **sides,
        "quality": _drop_clean(rows["quality"]),
        "seconds": pa.repeat(0.0, len(rows)),
    }
    arrays = [
        columns[kind.name].cast(kind.type)
        if kind.name in columns
        else pa.nulls(len(rows), kind.type)
        for kind in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _drop_clean(quality: pa.ChunkedArray) -> pa.ChunkedArray:
    clean = [each for each in quality.unique().to_pylist() if each is not None and is_clean(each)]
    is_shown = pc.invert(pc.is_in(quality, value_set=pa.array(clean, pa.float64())))
    return pc.if_else(is_shown, quality, None)


def _decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        names = map(_show, decode_keys(column.combine_chunks()))
        return pa.chunked_array([pa.array(names, pa.large_string())])


def _show(name: str) -> str:
    """Return a name; as the log shows it, if it is not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return one_line(name)
    return name


def _defuse(table: pa.Table) -> pa.Table:
    """Return texts that no spreadsheet takes for a formula."""
    for index, kind in enumerate(SCHEMA):
        if kind.type == pa.large_string():
            mark = "./" if kind.name in {"source", "output"} else "'"
            texts = pc.replace_substring_regex(table[kind.name], f"({_FORMULA})", rf"{mark}\1")
            table = table.set_column(index, kind, texts)
    return table
