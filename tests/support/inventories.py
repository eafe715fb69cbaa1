"""S3 Inventories as Amazon S3 writes them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = "lists/photos/daily"
MANIFEST = f"{FOLDER}/2026-11-30T01-00Z/manifest.json"
CSV_FIELDS = {
    "bucket": "Bucket",
    "key": "Key",
    "version_id": "VersionId",
    "is_latest": "IsLatest",
    "is_delete_marker": "IsDeleteMarker",
    "size": "Size",
    "e_tag": "ETag",
}


def make_manifest(
    bucket: str, form: str, parts: Sequence[str], fields: Sequence[str] = tuple(CSV_FIELDS)
) -> bytes:
    """Make a manifest.json.

    Args:
        bucket: that is listed.
        form: CSV, Parquet or ORC.
        parts: names of the parts.
        fields: of each row.
    """
    schema = ", ".join(CSV_FIELDS[each] for each in fields)
    content = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::lists",
        "version": "2016-11-30",
        "creationTimestamp": "1795000000000",
        "fileFormat": form,
        "fileSchema": schema if form == "CSV" else "message s3.inventory { ... }",
        "files": [
            {"key": f"{FOLDER}/data/{part}", "size": 1, "MD5checksum": "0" * 32} for part in parts
        ],
    }
    return json.dumps(content, indent=2).encode()


def make_row(bucket: str, key: str, **fields: Any) -> dict[str, Any]:
    """Make a row: the latest version of an object, unless the fields say otherwise."""
    row = {"bucket": bucket, "key": key, "version_id": None, "is_latest": True}
    return row | {"is_delete_marker": False, "size": None, "e_tag": None} | fields


def make_csv_part(
    rows: Sequence[Mapping[str, Any]], fields: Sequence[str] = tuple(CSV_FIELDS)
) -> bytes:
    """Make a part of an inventory in CSV."""

    def show(name: str, value: Any) -> str:
        if name == "key":
            value = quote_plus(value, safe="/", errors="surrogateescape")
        text = "" if value is None else str(value).replace('"', '""')
        return f'"{text.lower() if isinstance(value, bool) else text}"'

    lines = (",".join(show(name, row[name]) for name in fields) + "\n" for row in rows)
    return gzip.compress("".join(lines).encode())


def make_parquet_part(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Make a part of an inventory in Parquet."""
    kinds = {"is_latest": pa.bool_(), "is_delete_marker": pa.bool_(), "size": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in CSV_FIELDS])
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema), file)
    return file.getvalue()
