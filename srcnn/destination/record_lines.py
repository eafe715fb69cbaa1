"""Records as JSON lines, one a line, as the ledger's files have them.

Arrow's parser reads a million of them in seconds. Files that it refuses are left to Python's, which
takes names that are not valid UTF-8, and says what is wrong with a line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from pydantic import TypeAdapter

from srcnn.destination.records import SCHEMA, Record, to_table
from srcnn.graphs.graph_format import CLEAN, WORST
from srcnn.storage.file_table import FileInfo
from srcnn.storage.key_columns import KEY_TYPE

_LARGEST_SIDE = 2**31  # pixels; beyond what any image has
_FILE = pa.struct([("size", pa.int64()), ("version", pa.string())])
_SIDES = pa.list_(pa.int64())
_LINE = pa.schema(
    [
        ("output", pa.string()),
        ("source", pa.string()),
        ("source_info", _FILE),
        ("output_info", _FILE),
        ("scale", pa.string()),
        ("options", pa.string()),
        ("model", pa.string()),
        ("size_in", _SIDES),
        ("size_out", _SIDES),
        ("quality", pa.float64()),
        ("file_quality", pa.float64()),
    ]
)
_OPTIONAL = ("quality", "file_quality")  # earlier versions had none
_RECORDS = TypeAdapter(Record)
_FIELDS = tuple(each.name for each in fields(Record))


def _describe_file(info: FileInfo) -> dict[str, Any]:
    return {"size": info.size, "version": info.version}


# `dataclasses.asdict` copies what is in a record, which takes three times as long as all of this.
_ENCODER = json.JSONEncoder(default=_describe_file)


def format_line(record: Record) -> str:
    """Return a record as JSON, without the end of its line."""
    return _ENCODER.encode({name: getattr(record, name) for name in _FIELDS})


def parse_lines(content: bytes) -> pa.Table:
    """Parse the content of a file.

    Returns:
        Its records in their order, with the columns of `srcnn.destination.records.SCHEMA`.

    Raises:
        ValueError: a line is not a record.
        RecursionError: a line is nested too deeply to be one.
    """
    table = _parse_fast(content)
    return to_table(_parse_strictly(content)) if table is None else table


def parse_files(contents: Sequence[bytes]) -> pa.Table | None:
    """Parse the contents of several files at once: small files take a fifth of the time so.

    Returns:
        Their records in their order, as `parse_lines` returns them; None if a line is not as this
        version writes it: then `parse_lines` says of each file what it has.
    """
    return _parse_fast(
        b"".join(content if content.endswith(b"\n") else content + b"\n" for content in contents)
    )


def _parse_fast(content: bytes) -> pa.Table | None:
    """Parse lines as this version writes them; None for any others."""
    options = pa.json.ParseOptions(explicit_schema=_LINE, unexpected_field_behavior="ignore")
    try:
        lines = pa.json.read_json(pa.BufferReader(content), parse_options=options).combine_chunks()
        columns = _arrange(lines)
    except (pa.ArrowException, ValueError):
        return None
    return columns if _has_one_per_line(content, lines) and _is_valid(columns) else None


def _has_one_per_line(content: bytes, lines: pa.Table) -> bool:
    """Whether each line is one record: Arrow also takes two on a line, or one on two lines."""
    ends = content.count(b"\n", 0, -1)
    # Within one record, no "}" is followed by "{".
    return bool(content.count(b"}\n{") == ends == lines.num_rows - 1)


def _arrange(lines: pa.Table) -> pa.Table:
    arrays = {name: lines[name].combine_chunks() for name in lines.column_names}
    for name in ("source", "output"):
        arrays[f"{name}_size"], arrays[f"{name}_version"] = arrays[f"{name}_info"].flatten()
    for name in ("in", "out"):
        sides = arrays[f"size_{name}"]
        if not pc.all(pc.equal(pc.list_value_length(sides), 2)).as_py():
            raise ValueError("expected height and width")
        flat = sides.flatten()
        arrays[f"height_{name}"], arrays[f"width_{name}"] = flat[::2], flat[1::2]
    for name in _OPTIONAL:
        arrays[name] = pc.fill_null(arrays[name], CLEAN)
    return pa.Table.from_arrays(
        [_convert(arrays[field.name], field.type) for field in SCHEMA], schema=SCHEMA
    )


def _convert(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type).dictionary_encode()
    return column.cast(pa.large_string()).cast(kind) if kind == KEY_TYPE else column.cast(kind)


def _is_valid(table: pa.Table) -> bool:
    sides = [table[name] for name in ("height_in", "width_in", "height_out", "width_out")]
    qualities = [table[name] for name in _OPTIONAL]
    return (
        not any(column.null_count for column in table.columns)
        and all(pc.min(column).as_py() > 0 for column in sides)
        and all(
            pc.all(pc.and_(pc.less_equal(WORST, each), pc.less_equal(each, CLEAN))).as_py()
            for each in qualities
        )
    )


def _take_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one record")
    return found


# One for all lines: it takes half of the time of `json.loads`.
_DECODER = json.JSONDecoder(object_pairs_hook=_take_unique)


def _parse_strictly(content: bytes) -> list[Record]:
    # Not with pydantic's JSON parser, which rejects file names that are not valid UTF-8.
    lines = content.decode().removesuffix("\n").split("\n")
    if lines == [""]:
        raise ValueError("the file is empty")
    records = [_RECORDS.validate_python(_DECODER.decode(line)) for line in lines]
    for record in records:
        sides = (*record.size_in, *record.size_out)
        if not all(0 < side < _LARGEST_SIDE for side in sides):
            raise ValueError("the size of an image is out of range")
        if not all(WORST <= each <= CLEAN for each in (record.quality, record.file_quality)):
            raise ValueError("the quality of an image is out of range")
    return records
