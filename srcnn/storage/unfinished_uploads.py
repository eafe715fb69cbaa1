"""Uploads in parts that were never completed: their writer was killed, and the parts are billed.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srcnn.storage.s3_requests import call_s3, get_prefix

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_MOST_PAGES = 100  # of a thousand


@dataclass(frozen=True)
class UnfinishedUpload:
    """An upload in parts that has not been completed.

    Attributes:
        key: of the file, relative to the folder.
        upload_id: the server's name for the upload.
    """

    key: str
    upload_id: str


def list_uploads(fs: AbstractFileSystem, root: str) -> list[UnfinishedUpload]:
    """List the unfinished uploads below a prefix.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.

    Raises:
        OSError: the server has no such request, or refuses it.
    """
    prefix = get_prefix(fs, root)
    return [
        UnfinishedUpload(entry["Key"][len(prefix) :], entry["UploadId"])
        for page in _list_pages(fs, root)
        for entry in page.get("Uploads", [])
        if entry["Key"].startswith(prefix)
    ]


def _list_pages(fs: AbstractFileSystem, root: str) -> Iterator[Mapping[str, Any]]:
    bucket, _, _ = fs.split_path(root)
    start: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = call_s3(
            fs, "list_multipart_uploads", Bucket=bucket, Prefix=get_prefix(fs, root), **start
        )
        yield page
        following = {
            name: page[f"Next{name}"]
            for name in ("KeyMarker", "UploadIdMarker")
            if page.get(f"Next{name}")
        }
        if not page.get("IsTruncated") or following in ({}, start):
            return
        start = following


def abort_upload(fs: AbstractFileSystem, root: str, upload: UnfinishedUpload) -> None:
    """Drop an unfinished upload, with its parts.

    Args:
        fs: s3fs's file system.
        root: as in `list_uploads`.
        upload: from `list_uploads`.

    Raises:
        OSError: the server refuses it, or it is gone.
    """
    bucket, key, _ = fs.split_path(f"{root}/{upload.key}")
    call_s3(fs, "abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload.upload_id)
