"""Records of outputs: one as an object, and all of a ledger as a table of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from srcnn.geometry import Size
from srcnn.graphs.graph_format import CLEAN
from srcnn.storage.file_table import FileInfo, find_row
from srcnn.storage.key_columns import KEY_TYPE, decode_keys, encode_keys

_ROWS_PER_CHUNK = 20_000
_FEW = pa.dictionary(pa.int32(), pa.large_string())  # the same in most records
SCHEMA = pa.schema(
    [
        ("output", KEY_TYPE),
        ("source", KEY_TYPE),
        ("source_size", pa.int64()),
        ("source_version", KEY_TYPE),
        ("output_size", pa.int64()),
        ("output_version", KEY_TYPE),
        ("scale", _FEW),
        ("options", _FEW),
        ("model", _FEW),
        ("height_in", pa.int32()),
        ("width_in", pa.int32()),
        ("height_out", pa.int32()),
        ("width_out", pa.int32()),
        ("quality", pa.float64()),
        ("file_quality", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Record:
    """One output as it was written.

    Attributes:
        output: its key in the destination.
        source: its key in the source.
        source_info: size and version of the source file that was read.
        output_info: size and version of the output file that was written.
        scale: text of the factor or target.
        options: digest of the options that affect pixels.
        model: sha256 of the model.
        size_in: of the source image.
        size_out: of the output image.
        quality: of the source, that the weights were chosen for; earlier versions had only 100.
        file_quality: what the source's header said of it.
    """

    output: str
    source: str
    source_info: FileInfo
    output_info: FileInfo
    scale: str
    options: str
    model: str
    size_in: Size
    size_out: Size
    quality: float = CLEAN
    file_quality: float = CLEAN


class RecordTable(Mapping[str, Record]):
    """The records that count, by output, in the order of their keys' bytes.

    Attributes:
        table: with the columns of `SCHEMA`, each in one piece; sorted by output, none twice.
    """

    def __init__(self, table: pa.Table) -> None:
        """Take a table that is sorted.

        Args:
            table: with the columns of `SCHEMA`.
        """
        self.table = table.unify_dictionaries().combine_chunks()

    def column(self, name: str) -> pa.Array:
        """Return a column, by its name in `SCHEMA`."""
        return self.table[name].combine_chunks()

    def __getitem__(self, output: str) -> Record:
        """Return the record of an output."""
        row = find_row(self.column("output"), output)
        if row is None:
            raise KeyError(output)
        return next(to_records(self.table.slice(row, 1)))

    def __iter__(self) -> Iterator[str]:
        """Yield the keys of the outputs."""
        for start in range(0, len(self), _ROWS_PER_CHUNK):
            yield from decode_keys(self.column("output").slice(start, _ROWS_PER_CHUNK))

    def __len__(self) -> int:
        """Return the number of outputs."""
        return int(self.table.num_rows)

    def __eq__(self, other: object) -> bool:
        """Whether it has the same records as another mapping."""
        return isinstance(other, Mapping) and (
            {each.output: each for each in to_records(self.table)} == dict(other.items())
        )

    __hash__ = None  # type: ignore[assignment] # as of other mappings


def to_table(records: Iterable[Record]) -> pa.Table:
    """Return records as a table with the columns of `SCHEMA`.

    Raises:
        UnicodeEncodeError: no file can have such a key.
    """
    rows = [
        (
            each.output,
            each.source,
            each.source_info.size,
            each.source_info.version,
            each.output_info.size,
            each.output_info.version,
            each.scale,
            each.options,
            each.model,
            *each.size_in,
            *each.size_out,
            each.quality,
            each.file_quality,
        )
        for each in records
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    return pa.Table.from_arrays(
        [
            encode_keys(values) if field.type == KEY_TYPE else pa.array(values, field.type)
            for field, values in zip(SCHEMA, columns, strict=True)
        ],
        schema=SCHEMA,
    )


def to_records(table: pa.Table) -> Iterator[Record]:
    """Yield the rows of a table with the columns of `SCHEMA`."""
    for start in range(0, table.num_rows, _ROWS_PER_CHUNK):
        chunk = table.slice(start, _ROWS_PER_CHUNK)
        columns = {name: _to_list(chunk[name].combine_chunks()) for name in SCHEMA.names}
        yield from map(
            Record,
            columns["output"],
            columns["source"],
            map(FileInfo, columns["source_size"], columns["source_version"]),
            map(FileInfo, columns["output_size"], columns["output_version"]),
            columns["scale"],
            columns["options"],
            columns["model"],
            map(Size, columns["height_in"], columns["width_in"]),
            map(Size, columns["height_out"], columns["width_out"]),
            columns["quality"],
            columns["file_quality"],
        )


def _to_list(column: pa.Array) -> list[Any]:
    values: list[Any] = decode_keys(column) if column.type == KEY_TYPE else column.to_pylist()
    return values


def keep_latest(table: pa.Table, is_preferred: pa.Array) -> pa.Table:
    """Sort records by output, and keep one of each.

    Args:
        table: records in the order in which they were written.
        is_preferred: (N,) booleans; the last preferred record of an output is kept, or the last
            one if none is.
    """
    outputs = table["output"].combine_chunks()
    if len(outputs) < 2 or pc.all(pc.less(outputs[:-1], outputs[1:])).as_py():  # noqa: PLR2004 - rows
        return table
    keys = pa.table({"output": outputs, "is_preferred": is_preferred.cast(pa.int8())})
    order = pc.sort_indices(keys, [("output", "ascending"), ("is_preferred", "ascending")])
    ordered = outputs.take(order)
    differs = pc.not_equal(ordered[:-1], ordered[1:]).to_numpy(zero_copy_only=False)
    return table.take(order.filter(pa.array(np.append(differs, True))))
