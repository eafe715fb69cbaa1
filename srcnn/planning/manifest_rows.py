"""The rows of a manifest that people or programs wrote, as columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from srcnn.errors import UsageError
from srcnn.planning.parquet_rows import MOST_ROWS
from srcnn.planning.scales_rows import RowChoice, RowProblems, parse_choice, parse_path, read_fields
from srcnn.printable_text import one_line, shorten
from srcnn.storage.key_columns import KEY_TYPE, encode_keys

SCHEMA = pa.schema(
    [("key", KEY_TYPE), ("size", pa.int64()), ("version", KEY_TYPE), ("choice", pa.int32())]
)
_NEEDED = ("path",)
# Not `[`: browsers save `photo[1].jpg`.
_WILDCARD = re.compile(r"[*?]")
_ROWS_PER_BATCH = 50_000
_MOST_SHOWN = 60  # characters of a path in a message


@dataclass(frozen=True)
class ListedRows:
    """The rows of a manifest, in its order.

    Attributes:
        table: with the columns of `SCHEMA`; the version is empty, and the size 0, where the
            manifest does not say.
        given: what is asked for, by the column choice.
        warnings: of rows that were left out.
    """

    table: pa.Table
    given: Sequence[RowChoice]
    warnings: Sequence[str] = ()


def read_listed_rows(name: str, content: bytes) -> ListedRows:
    """Read a manifest with a column `path`.

    Args:
        name: path or URL, used in messages; by its extension it is JSON Lines or CSV.
        content: of the file.

    Raises:
        UsageError: rows cannot be read, or there are too many; the text names each line.
    """
    columns, problems = _Columns(), RowProblems(one_line(name))
    for line, fields in read_fields(name, content, _NEEDED):
        try:
            columns.add(*_parse_row(fields))
        except UsageError as error:
            problems.add(line, error)
        if columns.count + problems.count > MOST_ROWS:
            raise UsageError(
                f"{problems.name}:{line}: expected up to {MOST_ROWS:,} rows: split the list"
            )
    problems.raise_if_any()
    return ListedRows(columns.build(), list(columns.given))


def _parse_row(fields: Mapping[str, object] | str) -> tuple[str, RowChoice]:
    if isinstance(fields, str):
        raise UsageError(fields)
    path = parse_path(fields)
    if _WILDCARD.search(path):
        raise UsageError(
            f"path {shorten(path, _MOST_SHOWN)!r}: expected the path of one file, got a pattern: "
            "list each file, or leave out --only-listed"
        )
    return path.removeprefix("./"), parse_choice(fields)


class _Columns:
    """Collects rows, which are objects for a moment only."""

    def __init__(self) -> None:
        self.given: dict[RowChoice, int] = {}
        self.count = 0
        self._batches: list[pa.RecordBatch] = []
        self._keys: list[str] = []
        self._choices: list[int] = []

    def add(self, key: str, choice: RowChoice) -> None:
        self._keys.append(key)
        self._choices.append(self.given.setdefault(choice, len(self.given)))
        self.count += 1
        if len(self._keys) == _ROWS_PER_BATCH:
            self._flush()

    def build(self) -> pa.Table:
        self._flush()
        return pa.Table.from_batches(self._batches, SCHEMA)

    def _flush(self) -> None:
        keys = encode_keys(self._keys)
        unknown = fill_unknown(len(keys))
        columns = [keys, *unknown, pa.array(self._choices, pa.int32())]
        self._batches.append(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
        self._keys, self._choices = [], []


def fill_unknown(count: int) -> tuple[pa.Array, pa.Array]:
    """Return sizes and versions of files of which neither is known."""
    return pa.repeat(pa.scalar(0, pa.int64()), count), pa.repeat(pa.scalar(b"", KEY_TYPE), count)
