"""Read whole remote files into memory, up to a limit: a response may be endless."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from srcnn.errors import UnusableFileError
from srcnn.storage import s3_requests
from srcnn.storage.filesystems import is_s3

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

TEXT_LIMIT_BYTES = 256 * 2**20
"""Of a file that people or programs write as text."""


def read_remote(fs: AbstractFileSystem, path: str, url: str, limit_bytes: int) -> bytes:
    """Read a file of another file system.

    Args:
        fs: from `resolve`.
        path: from `resolve`.
        url: used in error messages.
        limit_bytes: the most that it may have.

    Raises:
        UnusableFileError: it is larger.
        Exception: those of the file system.
    """
    if is_s3(fs):
        content = s3_requests.get(fs, path, limit_bytes)
        if isinstance(content, int):
            raise _refuse(url, limit_bytes)
        return content
    if "http" in fs.protocol:
        # The length that a server announces may be missing, false, or that of compressed bytes.
        sink = _Sink(url, limit_bytes)
        fs.get_file(path, sink)
        return sink.getvalue()
    with fs.open(path, "rb") as file:
        return _check(file.read(limit_bytes + 1), url, limit_bytes)


class _Sink(io.BytesIO):
    """Takes the parts of a response, up to a limit."""

    def __init__(self, url: str, limit_bytes: int) -> None:
        super().__init__()
        self._url, self._limit_bytes, self._left_bytes = url, limit_bytes, limit_bytes

    def write(self, part: bytes, /) -> int:  # type: ignore[override] # always bytes
        self._left_bytes -= len(part)
        if self._left_bytes < 0:
            raise _refuse(self._url, self._limit_bytes)
        return super().write(part)


def _check(content: bytes, url: str, limit_bytes: int) -> bytes:
    if len(content) > limit_bytes:
        raise _refuse(url, limit_bytes)
    return content


def _refuse(url: str, limit_bytes: int) -> UnusableFileError:
    return UnusableFileError(
        f"{url}: expected up to {limit_bytes:,} bytes, got more: not the expected file"
    )
