"""Calls that may fail without harm, or that come first: they wait less than others.

The first call to a storage shows whether it can be reached at all.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from srcnn.errors import SourceMissingError, StorageError
from srcnn.storage import s3_requests
from srcnn.storage.retries import StorageLimits, call_with_retries
from srcnn.storage.unfinished_uploads import UnfinishedUpload, abort_upload, list_uploads

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PROBE_ATTEMPTS = 3
_PROBE_SECONDS = 10.0


def has_any_object(fs: AbstractFileSystem, root: str, url: str, limits: StorageLimits) -> bool:
    """Whether a bucket exists and a prefix in it has objects; the first call to a storage.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.
        url: of the folder, used in error messages.
        limits: of its calls; those of this one are lower.

    Raises:
        SourceMissingError: the bucket does not exist.
        StorageError: the storage cannot be read.
    """
    seconds = min(limits.timeout_seconds, _PROBE_SECONDS)
    probe_limits = StorageLimits(min(limits.attempts, _PROBE_ATTEMPTS), seconds)
    has_any = partial(s3_requests.has_any, fs, root, timeout_seconds=seconds)
    return call_with_retries(has_any, url, "listed", probe_limits)


def try_list_uploads(
    fs: AbstractFileSystem, root: str, url: str, limits: StorageLimits
) -> list[UnfinishedUpload]:
    """List unfinished uploads; empty if the server cannot say.

    Args:
        fs: s3fs's file system.
        root: as in `has_any_object`.
        url: of the folder, used in error messages.
        limits: of its calls; those of this one are lower.
    """
    call = partial(list_uploads, fs, root)
    try:
        return call_with_retries(call, url, "listed", _lower(limits))
    except (StorageError, SourceMissingError):
        return []


def try_abort_upload(
    fs: AbstractFileSystem, root: str, upload: UnfinishedUpload, url: str, limits: StorageLimits
) -> bool:
    """Drop an unfinished upload with its parts; return whether the server did it.

    Args:
        fs: s3fs's file system.
        root: as in `has_any_object`.
        upload: from `try_list_uploads`.
        url: of the file, used in error messages.
        limits: of its calls; those of this one are lower.
    """
    call = partial(abort_upload, fs, root, upload)
    try:
        call_with_retries(call, url, "removed", _lower(limits))
    except (StorageError, SourceMissingError):
        return False
    return True


def _lower(limits: StorageLimits) -> StorageLimits:
    return StorageLimits(1, min(limits.timeout_seconds, _PROBE_SECONDS))
