"""Read objects of a bucket: whole up to a limit, or the parts that a reader asks for."""

from __future__ import annotations

import io
from functools import partial
from typing import IO, TYPE_CHECKING

from srcnn.errors import StorageError, UnusableFileError
from srcnn.storage import s3_requests
from srcnn.storage.ranged_file import RangedFile

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
    content: bytes | int = retry(partial(s3_requests.get, fs, path, limit_bytes))
    if isinstance(content, int):
        raise UnusableFileError(f"{url}: expected up to {limit_bytes:,} bytes, got {content:,}")
    return content
