"""Write to local streams: a device such as `/dev/null`, a FIFO, or a descriptor of this process.

A stream is written to, and never replaced, as a plain file is.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import stat

from srcnn.errors import StorageError
from srcnn.storage.local_errors import build_local_error

_STALLED_SECONDS = 60
_MOST_LINKS = 40
_DESCRIPTORS = re.compile(r"/proc/[0-9]+(/task/[0-9]+)?/fd|/dev/fd")


def is_stream(path: str) -> bool:
    """Whether a local path is a character device, a FIFO or a descriptor such as `/dev/stdout`."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a path of fsspec's
    except OSError:
        return find_descriptor(path) is not None
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or find_descriptor(path) is not None


def find_descriptor(path: str) -> int | None:
    """Return the descriptor that a path stands for, such as 1 for `/dev/stdout`; None for others.

    Links are followed by hand: the last one leads from the descriptor to its file, which opened
    again would be written from its start.
    """
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(os.path.dirname(path))  # noqa: PTH120 - links, one at a time
        name = os.path.basename(path)  # noqa: PTH119 - as above
        if name.isdecimal() and _DESCRIPTORS.fullmatch(folder):
            own = folder.startswith(("/dev/", f"/proc/{os.getpid()}/"))
            return int(name) if own else None
        path = f"{folder}/{name}"
        if not os.path.islink(path):  # noqa: PTH114 - as above
            return None
        path = os.path.join(folder, os.readlink(path))  # noqa: PTH115, PTH118 - as above
    return None


def check_stream(path: str) -> None:
    """Check that a stream can be written to, without opening it: its reader would see an end.

    Raises:
        StorageError: it cannot be written to.
    """
    descriptor = find_descriptor(path)
    if descriptor is not None:
        _check_descriptor(descriptor, path)
    elif not os.access(path, os.W_OK):
        raise StorageError(f"{path}: cannot be written: access denied")


def write_stream(path: str, data: bytes) -> None:
    """Write to a stream.

    Args:
        path: for which `is_stream` is true.
        data: all that is written.

    Raises:
        StorageError: it could not be written, nobody reads the FIFO, or its reader has stalled.
    """
    try:
        descriptor = find_descriptor(path)
        if descriptor is None:
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
            opened = os.open(path, flags)
        else:
            _check_descriptor(descriptor, path)
            opened = os.dup(descriptor)
        try:
            _write_all(opened, path, data)
        finally:
            os.close(opened)
    except StorageError:
        raise
    except OSError as error:
        raise build_local_error(error, path, "written") from error


def _check_descriptor(descriptor: int, path: str) -> None:
    # Python's own files are not inheritable: only what the caller opened for us is.
    try:
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        is_given = os.get_inheritable(descriptor) and mode != os.O_RDONLY
    except OSError:
        is_given = False
    if not is_given:
        raise StorageError(f"{path}: this process was not given it open for writing")


def _write_all(descriptor: int, path: str, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        _, ready, _ = select.select([], [descriptor], [], _STALLED_SECONDS)
        if not ready:
            raise StorageError(f"{path}: cannot be written: nobody reads it")
        rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
