"""Rows of an S3 Inventory that are files below a source."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from srcnn.errors import UsageError
from srcnn.planning.manifest_rows import SCHEMA
from srcnn.planning.parquet_rows import MOST_ROWS
from srcnn.storage.key_columns import KEY_TYPE

_SIZE = r"^[0-9]{1,18}$"


class BucketRows:
    """Collects the rows below a prefix of a bucket.

    Attributes:
        bucket: the bucket.
    """

    def __init__(self, name: str, bucket: str, prefix: str) -> None:
        """Start with none.

        Args:
            name: of the inventory, used in messages.
            bucket: whose objects are taken.
            prefix: of their keys; empty, or with a slash at its end.
        """
        self.bucket = bucket
        self._name, self._prefix = name, prefix.encode()
        self._tables: list[pa.Table] = []
        self._read = self._outside = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch with the columns of `read_parquet_part`.

        Raises:
            UsageError: there are too many rows.
        """
        self._read += len(batch)
        if self._read > MOST_ROWS:
            raise UsageError(
                f"{self._name}: expected up to {MOST_ROWS:,} rows: give the inventory a prefix"
            )
        current = batch.filter(_is_current(batch))
        keys = _take_bytes(current, "key")
        is_inside = pc.and_(
            pc.equal(_take_bytes(current, "bucket"), self.bucket.encode()),
            pc.starts_with(keys, self._prefix),
        )
        inside = current.filter(is_inside)
        self._outside += len(current) - len(inside)
        keys = self._cut_prefix(keys.filter(is_inside))
        self._tables.append(_build_table(keys, inside))

    def _cut_prefix(self, keys: pa.Array) -> pa.Array:
        # Not binary_slice, which fails for some columns (pyarrow 26).
        if not self._prefix:
            return keys
        return pc.replace_substring(keys, self._prefix, b"", max_replacements=1)

    def build(self) -> pa.Table:
        """Return all that was added, with the columns of `SCHEMA`."""
        return pa.concat_tables([SCHEMA.empty_table(), *self._tables])

    def list_warnings(self) -> list[str]:
        """Return a warning if rows were left out as they are not below the prefix."""
        if not self._outside:
            return []
        return [f"{self._name}: left out objects that are not below --src: {self._outside:,}"]


def _is_current(batch: pa.RecordBatch) -> pa.Array:
    """Return which rows are latest versions, and no delete markers."""
    is_current = pa.repeat(pa.scalar(value=True), len(batch))
    for column, excluded in (("islatest", b"false"), ("isdeletemarker", b"true")):
        values = _take_bytes(batch, column)
        is_current = pc.and_(is_current, pc.not_equal(values, excluded))
    return is_current


def _build_table(keys: pa.Array, rows: pa.RecordBatch) -> pa.Table:
    """Return the table of files; without an ETag and a size, nothing is known of one."""
    texts, etags = _take_bytes(rows, "size"), _clean_etags(_take_bytes(rows, "etag"))
    is_known = pc.and_(pc.match_substring_regex(texts, _SIZE), pc.not_equal(etags, b""))
    sizes = pc.if_else(is_known, texts, b"0").cast(pa.large_string()).cast(pa.int64())
    versions = pc.if_else(is_known, etags, b"")
    choices = pa.repeat(pa.scalar(0, pa.int32()), len(keys))
    table = pa.Table.from_arrays([keys, sizes, versions, choices], schema=SCHEMA)
    # Consoles mark a folder by an empty object whose key ends in a slash.
    is_folder = pc.and_(pc.match_substring_regex(keys, "(^|/)$"), pc.equal(sizes, 0))
    return table.filter(pc.invert(is_folder))


def _clean_etags(etags: pa.Array) -> pa.Array:
    """Return ETags as listings have them; see `normalise_etag`."""
    return pc.replace_substring_regex(etags, r'^(W/)?"?|"$', "")


def _take_bytes(rows: pa.RecordBatch, column: str) -> pa.Array:
    """Return a column as bytes; empty where it is null, or not there."""
    if column not in rows.schema.names:
        return pa.repeat(pa.scalar(b"", KEY_TYPE), len(rows))
    values = rows[column]
    if values.type != KEY_TYPE:
        values = values.cast(pa.large_string()).cast(KEY_TYPE)
    return values.fill_null(b"")
