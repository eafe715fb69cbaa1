"""The files of an S3 Inventory as batches of columns: gzipped CSV without a header, or Parquet."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from srcnn.errors import UsageError
from srcnn.planning.parquet_rows import list_columns, read_batches
from srcnn.printable_text import one_line, shorten
from srcnn.storage.key_columns import KEY_TYPE

# As both kinds spell them, in lower case and without underscores.
_NEEDED = ("bucket", "key")
_COLUMNS = (*_NEEDED, "size", "etag", "islatest", "isdeletemarker")
_BLOCK_BYTES = 4 * 2**20
_MOST_SHOWN = 200
_ESCAPED = "[%+]"


def list_inventory_columns(name: str, content: bytes) -> dict[str, str] | None:
    """List the columns of a Parquet file that are read; None if it is no inventory's.

    Args:
        name: used in error messages.
        content: of the file.

    Returns:
        Our name of each, by the file's.

    Raises:
        UsageError: it is not Parquet.
    """
    names = {each: _simplify(each) for each in list_columns(name, content)}
    return names if set(_NEEDED) <= set(names.values()) and "path" not in names else None


def read_parquet_part(name: str, content: bytes) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file.

    Args:
        name: used in error messages.
        content: of the file.

    Yields:
        Batches with the columns bucket and key, and size, etag, islatest and isdeletemarker if
        the file has them; keys as they are.

    Raises:
        UsageError: it cannot be read.
    """
    names = list_inventory_columns(name, content)
    if names is None:
        raise UsageError(f"{name}: expected a file of an S3 Inventory, with the columns bucket,key")
    wanted = [each for each, simple in names.items() if simple in _COLUMNS]
    for batch in read_batches(name, content, (), wanted):
        simple = [names[each] for each in batch.schema.names]
        yield pa.RecordBatch.from_arrays(batch.columns, names=simple)


def read_csv_part(name: str, content: bytes, fields: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a gzipped CSV file.

    Args:
        name: used in error messages.
        content: of the file.
        fields: names of its columns, by the manifest.

    Yields:
        As `read_parquet_part`; keys are decoded.

    Raises:
        UsageError: it cannot be read.
    """
    names = [_simplify(field) for field in fields]
    if not set(_NEEDED) <= set(names) or len(set(names)) < len(names):
        got = shorten(one_line(", ".join(fields)), _MOST_SHOWN)
        raise UsageError(f"{name}: expected the fields Bucket and Key in fileSchema, got {got!r}")
    wanted = [each for each in names if each in _COLUMNS]
    try:
        with gzip.open(io.BytesIO(content)) as file:
            if content and not file.peek(1):
                return
            with _open_csv(file, names, wanted) as reader:
                for batch in reader:
                    yield _decode_keys(batch)
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        text = shorten(one_line(str(error)), _MOST_SHOWN)
        raise UsageError(f"{name}: cannot be read as gzipped CSV: {text}") from error


def _open_csv(
    file: gzip.GzipFile, names: Sequence[str], wanted: Sequence[str]
) -> pa_csv.CSVStreamingReader:
    # A block bounds the memory, and the length of a row, whatever the file unpacks to.
    return pa_csv.open_csv(
        pa.PythonFile(file, "r"),
        pa_csv.ReadOptions(column_names=list(names), block_size=_BLOCK_BYTES, use_threads=False),
        convert_options=pa_csv.ConvertOptions(
            include_columns=list(wanted),
            column_types=dict.fromkeys(wanted, KEY_TYPE),
            strings_can_be_null=False,
        ),
    )


def _decode_keys(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Decode the keys: as in a URL, with `+` for a space."""
    keys = batch["key"]
    is_escaped = pc.match_substring_regex(keys, _ESCAPED)
    if not pc.any(is_escaped).as_py():
        return batch
    decoded = [unquote_to_bytes(key.as_py().replace(b"+", b" ")) for key in keys.filter(is_escaped)]
    column = pc.replace_with_mask(keys, is_escaped, pa.array(decoded, KEY_TYPE))
    return batch.set_column(batch.schema.get_field_index("key"), "key", column)


def _simplify(field: str) -> str:
    return field.strip().lower().replace("_", "")
