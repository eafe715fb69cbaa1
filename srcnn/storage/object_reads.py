"""Read objects of a bucket: whole up to a limit, or the parts that a reader asks for."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING

from srcnn.errors import StorageError, UnusableFileError
from srcnn.storage import s3_requests
from srcnn.storage.object_metadata import ObjectMetadata
from srcnn.storage.ranged_file import RangedFile
from srcnn.storage.s3_metadata_headers import parse_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsspec import AbstractFileSystem


def open_object(
    fs: AbstractFileSystem, path: str, url: str, size_bytes: int, retry: s3_requests.Retry
) -> IO[bytes]:
    """Open an object for random access.

    Args:
        fs: s3fs's file system.
        path: bucket and key.
        url: used in error messages.
        size_bytes: of the object.
        retry: makes a call with retries.

    Returns:
        The object, for the caller to close.
    """

    def get(start: int, end: int) -> bytes | int:
        content: bytes | int = retry(partial(s3_requests.get, fs, path, end - start, start))
        return content

    return io.BufferedReader(RangedFile(partial(_read_range, get, url), size_bytes))


def _read_range(get: Callable[[int, int], bytes | int], url: str, start: int, end: int) -> bytes:
    """Read all bytes from a start position up to an end position."""
    content = get(start, end)
    size = content if isinstance(content, int) else len(content)
    if isinstance(content, int) or size != end - start:  # a truncated response raises by itself
        raise StorageError(
            f"{url}: expected bytes {start} to {end}, got {size} bytes: "
            "the file changed after it was listed; run again"
        )
    return content


def read_object(
    fs: AbstractFileSystem, path: str, url: str, limit_bytes: int, retry: s3_requests.Retry
) -> bytes:
    """Read an object, which may have grown since it was listed.

    Args:
        fs: s3fs's file system.
        path: bucket and key.
        url: used in error messages.
        limit_bytes: the most that it may have.
        retry: makes a call with retries.

    Raises:
        UnusableFileError: it is larger.
    """
    return _check_size(retry(partial(s3_requests.get, fs, path, limit_bytes)), url, limit_bytes)


def read_object_with_metadata(
    fs: AbstractFileSystem, path: str, url: str, limit_bytes: int, retry: s3_requests.Retry
) -> tuple[bytes, ObjectMetadata]:
    """Read an object as `read_object` does, and what is stored about it.

    The response contains all of it but the tags, which take another request if there are any. A
    server counts them only for those who may read them.
    """
    content, response = retry(partial(s3_requests.get_with_response, fs, path, limit_bytes))
    data, metadata = _check_size(content, url, limit_bytes), parse_metadata(response)
    if not response.get("TagCount"):
        return data, metadata
    return data, replace(metadata, tags=retry(partial(s3_requests.get_tags, fs, path)))


def _check_size(content: bytes | int, url: str, limit_bytes: int) -> bytes:
    if isinstance(content, int):
        raise UnusableFileError(f"{url}: expected up to {limit_bytes:,} bytes, got {content:,}")
    return content
