"""S3 Inventory: the lists of a bucket that Amazon S3 writes by itself, daily or weekly.

A `manifest.json` names the parts, gzipped CSV without a header or Parquet:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from srcnn.errors import UsageError
from srcnn.planning.inventory_parts import list_inventory_columns, read_csv_part, read_parquet_part
from srcnn.planning.inventory_rows import BucketRows
from srcnn.planning.manifest_rows import ListedRows
from srcnn.planning.parquet_rows import is_parquet
from srcnn.planning.scales_rows import RowChoice
from srcnn.printable_text import one_line
from srcnn.storage.atomic_files import read_file
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from srcnn.validation_errors import describe_validation

_PART_BYTES = 2**30
_START_BYTES = 64 * 1024


class _Part(BaseModel):
    key: str = Field(min_length=1)


class _Inventory(BaseModel):
    """The fields of `manifest.json` that are read."""

    model_config = ConfigDict(alias_generator=to_camel)

    source_bucket: str
    file_format: Literal["CSV", "Parquet"]
    file_schema: str
    files: list[_Part]


def is_inventory(url: str, content: bytes) -> bool:
    """Whether a file is an inventory's manifest.json, or one of its Parquet files.

    Args:
        url: of the file, used in messages.
        content: of the file.

    Raises:
        UsageError: it is Parquet that cannot be read.
    """
    if is_parquet(content):
        return list_inventory_columns(one_line(url), content) is not None
    start = content[:_START_BYTES]
    return start.lstrip().startswith(b"{") and b'"sourceBucket"' in start


def read_inventory(source: Folder, url: str, content: bytes) -> ListedRows:
    """Read the rows of an inventory that are below a source.

    Args:
        source: a bucket, or a prefix in it.
        url: of the file.
        content: of the file, which `is_inventory`.

    Raises:
        UsageError: it cannot be read, is of another kind, or of another bucket.
        OSError: a part cannot be read.
    """
    name = one_line(url)
    if source.bucket is None:
        raise UsageError(
            f"{name} is an S3 Inventory, which lists a bucket: --src {source.given} is none"
        )
    rows = BucketRows(name, *source.bucket)
    for batch in _read_batches(url, content, rows.bucket, source.limits):
        rows.add(batch)
    return ListedRows(rows.build(), [RowChoice(None)], rows.list_warnings())


def _read_batches(
    url: str, content: bytes, bucket: str, limits: StorageLimits
) -> Iterator[pa.RecordBatch]:
    name = one_line(url)
    if is_parquet(content):
        yield from read_parquet_part(name, content)
        return
    inventory = _parse(name, content)
    if inventory.source_bucket != bucket:
        raise UsageError(
            f"{name}: lists the bucket {one_line(inventory.source_bucket)}, but --src is in "
            f"{bucket}: give the inventory of that bucket"
        )
    fields = [field.strip() for field in inventory.file_schema.split(",")]
    for part in inventory.files:
        part_url = _locate(url, part.key)
        found = read_file(part_url, limits, limit_bytes=_PART_BYTES)
        shown = one_line(part_url)
        if inventory.file_format == "CSV":
            yield from read_csv_part(shown, found, fields)
        else:
            yield from read_parquet_part(shown, found)


def _parse(name: str, content: bytes) -> _Inventory:
    try:
        return _Inventory.model_validate_json(content)
    except ValidationError as error:
        advice = "; ORC is not read: choose CSV or Parquet" if b'"ORC"' in content else ""
        raise UsageError(
            f"{name}: not a manifest.json of an S3 Inventory: {describe_validation(error)}{advice}"
        ) from error


def _locate(url: str, key: str) -> str:
    """Return the URL of a part: in the manifest's bucket, or where a copy has it."""
    scheme, mark, path = url.partition("://")
    if mark and scheme in {"s3", "s3a"}:
        return f"{scheme}://{path.partition('/')[0]}/{key}"
    # `<name>/<time>/manifest.json` is beside `<name>/data/`.
    folder = posixpath.dirname(posixpath.dirname(f"{mark and scheme + mark}{path or scheme}"))
    return posixpath.join(folder, "data", posixpath.basename(key))
