"""Open local files, and only plain ones: a FIFO or a device may never end, or never begin.

A file is checked before it is opened, because opening a device can do something, and again once it
is open, because it may have been replaced in between.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

from srcnn.errors import SourceMissingError, UnusableFileError
from srcnn.storage.local_errors import build_local_error

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT

_UNSIZED_BYTES = 2**20
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_plain(path: str | Path, flags: int = os.O_RDONLY, url: str = "") -> IO[bytes]:
    """Open a plain file, without ever waiting for another process.

    Args:
        path: local path; links are followed.
        flags: for `os.open`: to read, or `APPEND`.
        url: used in error messages; the path if empty.

    Raises:
        FileNotFoundError: there is no such file.
        UnusableFileError: it is not a plain file.
        StorageError: it cannot be opened.
    """
    name = url or str(path)
    try:
        refuse_special(path, name)
        return _open_checked(path, flags | os.O_NONBLOCK | os.O_NOCTTY, name)
    except (FileNotFoundError, UnusableFileError):
        raise
    except NotADirectoryError as error:
        raise SourceMissingError(f"{name}: no such file") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnusableFileError(f"{name}: a link that leads to itself") from error
        raise build_local_error(error, name, "opened") from error


def read_plain(path: str | Path, url: str = "", limit_bytes: int | None = None) -> bytes:
    """Read a plain file, up to the size that it has when it is opened.

    Args:
        path: local path; links are followed.
        url: used in error messages; the path if empty.
        limit_bytes: the most that a file of its kind has; None for any size.

    Raises:
        FileNotFoundError: there is no such file.
        UnusableFileError: it is not a plain file, or it is too large.
        StorageError: it cannot be read.
    """
    name = url or str(path)
    with open_plain(path, url=name) as file:
        size = _measure(file)
        if limit_bytes is not None and size > limit_bytes:
            raise UnusableFileError(f"{name}: expected up to {limit_bytes:,} bytes, got {size:,}")
        try:
            return file.read(size)
        except OSError as error:
            raise build_local_error(error, name, "read") from error


def _measure(file: IO[bytes]) -> int:
    if isinstance(file, io.BytesIO):
        return len(file.getbuffer())
    return os.fstat(file.fileno()).st_size


def refuse_special(path: str | Path, url: str = "") -> None:
    """Refuse what is not a plain file, by its own name or through a link.

    Args:
        path: local path; there may be nothing yet.
        url: used in error messages; the path if empty.

    Raises:
        UnusableFileError: it is a folder, a FIFO, a socket or a device.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - str or Path
    except OSError:  # nothing there, or a link to nothing; opening it says what is wrong
        return
    _refuse_special(mode, url or str(path))


def _open_checked(path: str | Path, flags: int, name: str) -> IO[bytes]:
    descriptor = os.open(path, flags, 0o666)
    try:
        status = os.fstat(descriptor)
        _refuse_special(status.st_mode, name)
        is_append = flags & os.O_ACCMODE != os.O_RDONLY
        if status.st_size or is_append:
            os.set_blocking(descriptor, True)
            return os.fdopen(descriptor, "ab" if is_append else "rb")
        content = io.BytesIO(_read_unsized(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return content


def _read_unsized(descriptor: int) -> bytes:
    """Read a file that announces no bytes, as those of /proc do; some of them never end."""
    content = bytearray()
    with suppress(BlockingIOError):
        while len(content) < _UNSIZED_BYTES and (part := os.read(descriptor, _UNSIZED_BYTES)):
            content += part
    return bytes(content)


def _refuse_special(mode: int, name: str) -> None:
    if not stat.S_ISREG(mode):
        kind = next((text for is_kind, text in _KINDS if is_kind(mode)), "something else")
        raise UnusableFileError(f"{name}: expected a plain file, got {kind}")
