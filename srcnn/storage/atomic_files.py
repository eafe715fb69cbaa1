"""Read and write single files by URL, atomically.

Everything goes through fsspec, so folders, buckets and memory behave alike.
"""

from __future__ import annotations

import errno
import os
import posixpath
import threading
import uuid
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from srcnn.errors import SourceMissingError, StorageError, UsageError
from srcnn.storage import s3_requests
from srcnn.storage.bounded_reads import TEXT_LIMIT_BYTES, read_remote
from srcnn.storage.filesystems import is_local, is_s3, resolve
from srcnn.storage.gcs_azure_metadata import build_cloud_arguments
from srcnn.storage.local_errors import build_local_error
from srcnn.storage.object_metadata import ObjectMetadata
from srcnn.storage.plain_files import read_plain, refuse_special
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits, call_with_retries
from srcnn.storage.s3_metadata_headers import build_headers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fsspec import AbstractFileSystem

TEMPORARY_PREFIX = ".srcnn-"
TEMPORARY_SUFFIX = ".part"

# Network file systems that have no such call for folders.
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}

_creating = threading.Lock()  # the memory file system checks first, and then writes


def write_file(url: str, data: bytes, limits: StorageLimits = DEFAULT_LIMITS) -> None:
    """Write a file atomically: readers see the old content or the new, never a part.

    Args:
        url: path or URL; missing parent folders are created.
        data: the content.
        limits: of remote calls.

    Raises:
        OSError: it could not be written; a `StorageError` if the URL is remote.
    """
    fs, path = resolve(url, limits)
    write_atomically(fs, path, data, url, limits)


def file_exists(url: str, limits: StorageLimits = DEFAULT_LIMITS) -> bool:
    """Whether a file exists.

    Args:
        url: path or URL.
        limits: of remote calls.

    Raises:
        UsageError: it is a folder.
        StorageError: the storage cannot be read.
    """
    fs, path = resolve(url, limits)
    is_folder = partial(s3_requests.has_any, fs, path) if is_s3(fs) else partial(fs.isdir, path)
    if call_with_retries(is_folder, url, "read", limits):
        raise UsageError(f"{url} is a folder; expected a file")
    return bool(call_with_retries(partial(fs.exists, path), url, "read", limits))


def read_file(
    url: str, limits: StorageLimits = DEFAULT_LIMITS, *, limit_bytes: int = TEXT_LIMIT_BYTES
) -> bytes:
    """Read a file.

    Args:
        url: path or URL.
        limits: of remote calls.
        limit_bytes: the most that such a file has; nothing much larger is held in memory.

    Raises:
        SourceMissingError: there is no such file.
        OSError: it could not be read; a `StorageError` if the URL is remote, if it is no plain
            file, or if it is larger than the limit.
    """
    fs, path = resolve(url, limits)
    if is_local(fs):
        if Path(path).is_dir():
            raise SourceMissingError(f"{url} is a folder; expected a file")
        try:
            return read_plain(path, url, limit_bytes)
        except FileNotFoundError as error:
            raise SourceMissingError(f"{url}: no such file") from error
    read = partial(read_remote, fs, path, url, limit_bytes)
    return call_with_retries(read, url, "read", limits)


def write_atomically(  # noqa: PLR0913 - a file, and all that is known about it
    fs: AbstractFileSystem,
    path: str,
    data: bytes,
    url: str,
    limits: StorageLimits,
    *,
    metadata: ObjectMetadata | None = None,
) -> Mapping[str, Any] | None:
    """Write a file atomically; missing parent folders are created.

    Args:
        fs: from `resolve`.
        path: from `resolve`.
        data: the content.
        url: used in error messages.
        limits: of remote calls.
        metadata: to store about an image, where the storage can; None for our own files.

    Returns:
        The entry of the file in a listing, if the write's response contains it.
    """
    if is_local(fs):
        _write_local(path, data, url)
        return None
    # One PUT, or a multipart upload that is invisible until complete. Never fsspec's open
    # file: closing it after an exception would publish the part written so far.
    if is_s3(fs):
        put = partial(s3_requests.put, fs, path, data, limits, metadata)
        return call_with_retries(put, url, "written", limits)
    write = partial(fs.pipe_file, path, data, **build_cloud_arguments(fs, path, metadata))
    call_with_retries(write, url, "written", limits)
    return None


def _write_local(path: str, data: bytes, url: str) -> None:
    refuse_special(path, url)
    try:
        _replace(path, data)
    except OSError as error:
        raise build_local_error(error, url, "written") from error


def _replace(path: str, data: bytes) -> None:
    temporary = _make_temporary_path(path)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            # Or a power cut could leave the name without the content.
            os.fsync(file.fileno())
        # Not fs.mv: if `path` is a folder, it would move the file into it.
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(path: str) -> None:
    """Wait until the names in a local folder are on the disk, where its file system can."""
    with suppress(FileNotFoundError):  # removed since
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise
        finally:
            os.close(descriptor)


def create_atomically(
    fs: AbstractFileSystem, path: str, data: bytes, url: str, limits: StorageLimits
) -> bool:
    """Create a file atomically; missing parent folders are created.

    On a server without conditional writes every call succeeds. Amazon's has them:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

    Args:
        fs: from `resolve`.
        path: from `resolve`.
        data: the content.
        url: used in error messages.
        limits: of remote calls.

    Returns:
        Whether it was created; False if a file with other content already exists.
    """
    create = partial(_create, fs, path, data, limits)
    if not is_local(fs):
        return call_with_retries(create, url, "written", limits)
    try:
        return create()
    except StorageError:
        raise
    except OSError as error:
        raise build_local_error(error, url, "written") from error


def _create(fs: AbstractFileSystem, path: str, data: bytes, limits: StorageLimits) -> bool:
    try:
        if is_local(fs):
            _link(path, data)
        else:
            headers = (
                build_headers(path, limits.s3, None)
                if is_s3(fs)
                else build_cloud_arguments(fs, path, None)
            )
            with _creating:
                fs.pipe_file(path, data, mode="create", **headers)
    except OSError as error:
        if isinstance(error, PermissionError) or (
            is_local(fs) and not isinstance(error, FileExistsError)
        ):
            raise
        # FileExistsError, or a server's equivalent. A repeated request, whose first response was
        # lost, finds the file that it wrote itself.
        fs.invalidate_cache()
        if not fs.exists(path):
            raise
        return bool((read_plain(path) if is_local(fs) else fs.cat_file(path)) == data)
    return True


def _link(path: str, data: bytes) -> None:
    """Create a file with its content at once; without hard links, it is empty for a moment."""
    temporary = _make_temporary_path(path)
    try:
        temporary.write_bytes(data)
        try:
            Path(path).hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:
            _create_directly(path, data)
    finally:
        temporary.unlink(missing_ok=True)


def _create_directly(path: str, data: bytes) -> None:
    with Path(path).open("xb", buffering=0) as file:
        try:
            file.write(data)
        except OSError:  # an empty file would say that there is one
            Path(path).unlink()
            raise


def _make_temporary_path(path: str) -> Path:
    """Return a path for a temporary file in the same folder, which is created."""
    parent = Path(posixpath.dirname(path))
    parent.mkdir(parents=True, exist_ok=True)
    # A short name: one made from the target's might exceed the maximum length.
    return parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}"
