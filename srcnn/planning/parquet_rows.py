"""Parquet of unknown origin as batches of columns, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from srcnn.errors import UsageError
from srcnn.planning.csv_json_rows import NumberedFields
from srcnn.printable_text import one_line, shorten
from srcnn.storage.key_columns import decode_key

MOST_ROWS = 10_000_000
"""Of a list of images."""
LONGEST_TEXT = 4 * 4096
"""Bytes of a field: a path has 4,096 characters."""

_MAGIC = b"PAR1"
_ROWS_PER_BATCH = 20_000
_ROW_GROUP_BYTES = 2**30  # the columns that are read, decompressed
_FOOTER_BYTES = 64 * 2**20
_MOST_SHOWN = 200


def is_parquet(content: bytes) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    return content.startswith(_MAGIC)


def read_parquet(
    name: str, content: bytes, needed: Sequence[str], columns: Sequence[str]
) -> Iterator[NumberedFields]:
    """Yield the rows of a scales file, from 1, with all fields as texts or null.

    Args:
        name: used in error messages.
        content: of the file.
        needed: the columns that it must have.
        columns: that are read, if it has them.

    Raises:
        UsageError: it cannot be read.
    """
    number = 0
    for batch in read_batches(name, content, needed, columns):
        fields = [_to_texts(column) for column in batch.columns]
        for number, values in enumerate(zip(*fields, strict=True), start=number + 1):  # noqa: B020 - goes on
            yield number, dict(zip(batch.schema.names, values, strict=True))


def _to_texts(column: pa.Array) -> list[str | None]:
    if pa.types.is_large_binary(column.type):
        return [None if value is None else decode_key(value) for value in column.to_pylist()]
    # Numbers by their shortest decimal, as 1.3 is exact in decimal only.
    return [None if value is None else str(value) for value in column.to_pylist()]


def read_batches(
    name: str, content: bytes, needed: Sequence[str], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield columns of a file, batch by batch.

    Args:
        name: used in error messages.
        content: of the file.
        needed: the columns that it must have.
        columns: that are read, if it has them.

    Yields:
        Batches with these columns, in the file's order: texts and bytes as large binary, numbers
        and booleans as they are.

    Raises:
        UsageError: it is damaged, or larger than its kind can be.
    """
    with _explained(name):
        schema = _open(content).schema_arrow
        chosen = [each for each in schema if each.name in columns]
        names = [each.name for each in chosen]
        if not set(needed) <= set(names) or len(set(names)) < len(names):
            got = shorten(one_line(",".join(schema.names)), _MOST_SHOWN)
            raise UsageError(f"{name}: expected the columns {','.join(needed)}, got {got!r}")
        texts = [each.name for each in chosen if _is_text(each.type)]
        if wrong := [each for each in chosen if not (_is_text(each.type) or _is_plain(each.type))]:
            raise UsageError(
                f"{name}: column {wrong[0].name}: expected texts or numbers, got {wrong[0].type}"
            )
        # As dictionaries, or a text that is in the file once could fill the memory.
        file = _open(content, texts)
        _check_sizes(name, file.metadata, names)
        for batch in file.iter_batches(_ROWS_PER_BATCH, columns=names, use_threads=False):
            yield _decode_batch(name, batch)


def list_columns(name: str, content: bytes) -> list[str]:
    """List the columns of a file.

    Raises:
        UsageError: it is not Parquet.
    """
    with _explained(name):
        return list(_open(content).schema_arrow.names)


def _open(content: bytes, texts: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(
        pa.BufferReader(content),
        read_dictionary=list(texts),
        thrift_string_size_limit=_FOOTER_BYTES,
        thrift_container_size_limit=1_000_000,
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return bool(is_bytes or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_plain(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_boolean,
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_decimal,
            pa.types.is_null,
        )
    )


def _check_sizes(name: str, metadata: pq.FileMetaData, columns: Sequence[str]) -> None:
    if metadata.num_rows > MOST_ROWS:
        raise UsageError(
            f"{name}: expected up to {MOST_ROWS:,} rows, got {metadata.num_rows:,}: split the list"
        )
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        parts = (group.column(number) for number in range(group.num_columns))
        size = sum(part.total_uncompressed_size for part in parts if part.path_in_schema in columns)
        if size > _ROW_GROUP_BYTES:
            raise UsageError(
                f"{name}: expected row groups of up to {_ROW_GROUP_BYTES:,} bytes, got {size:,}: "
                "write it with smaller ones"
            )


def _decode_batch(name: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [_decode(name, column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _decode(name: str, column: pa.Array) -> pa.Array:
    if not pa.types.is_dictionary(column.type):
        return column
    longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    if longest > LONGEST_TEXT:
        raise UsageError(f"{name}: expected texts of up to {LONGEST_TEXT:,} bytes, got {longest:,}")
    return column.cast(column.type.value_type).cast(pa.large_binary())


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Explain what the library raises."""
    try:
        yield
    except (pa.ArrowException, OSError, MemoryError) as error:
        text = shorten(one_line(str(error)), _MOST_SHOWN)
        raise UsageError(f"{name}: cannot be read as Parquet: {text}") from error
