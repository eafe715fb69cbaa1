"""Single files by URL: read, and written whole or not at all.

Everything goes through fsspec, so that a folder, a bucket and memory behave alike.
"""

from __future__ import annotations

import posixpath
import threading
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from srcnn.errors import SourceMissingError, UsageError
from srcnn.storage import s3
from srcnn.storage.filesystems import is_local, is_s3, resolve
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits, ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fsspec import AbstractFileSystem

TEMPORARY_PREFIX = ".srcnn-"
TEMPORARY_SUFFIX = ".part"

_creating = threading.Lock()  # the memory file system looks, and then writes


def write_file(url: str, data: bytes, limits: StorageLimits = DEFAULT_LIMITS) -> None:
    """Write a whole file, or leave what was there: no reader ever sees a part of it.

    Args:
        url: path or URL; missing parent folders are made.
        data: the content.
        limits: how patient to be.

    Raises:
        OSError: it could not be written; a `StorageError` where the place is remote.
    """
    fs, path = resolve(url, limits)
    write_whole(fs, path, data, url, limits)


def file_exists(url: str, limits: StorageLimits = DEFAULT_LIMITS) -> bool:
    """Whether there is a file.

    Args:
        url: path or URL.
        limits: how patient to be.

    Raises:
        UsageError: there is a folder of this name.
        StorageError: nobody can say.
    """
    fs, path = resolve(url, limits)
    is_folder = partial(s3.is_any, fs, path) if is_s3(fs) else partial(fs.isdir, path)
    if ask(is_folder, url, "read", limits):
        raise UsageError(f"{url}: is a folder; expected a file")
    return bool(ask(partial(fs.exists, path), url, "read", limits))


def read_file(url: str, limits: StorageLimits = DEFAULT_LIMITS) -> bytes:
    """The content of one file.

    Args:
        url: path or URL.
        limits: how patient to be.

    Raises:
        SourceMissingError: there is no such file.
        OSError: it could not be read; a `StorageError` where the place is remote.
    """
    fs, path = resolve(url, limits)
    if not is_local(fs):
        content: bytes = ask(partial(fs.cat_file, path), url, "read", limits)
        return content
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise SourceMissingError(f"{url}: no such file") from error


def write_whole(
    fs: AbstractFileSystem, path: str, data: bytes, url: str, limits: StorageLimits
) -> Mapping[str, Any] | None:
    """Write a whole file, or leave what was there; missing parent folders are made.

    Args:
        fs: from `resolve`.
        path: likewise.
        data: the content.
        url: for texts.
        limits: how patient to be.

    Returns:
        What a listing will say of the file, where the answer to the write tells it.
    """
    if is_local(fs):
        _write_local(path, data)
        return None
    # One PUT, or a multipart upload that is invisible until complete. Never an open
    # file: leaving it by an exception would publish the part written so far.
    if is_s3(fs):
        return ask(partial(s3.put, fs, path, data, limits), url, "written", limits)
    ask(partial(fs.pipe_file, path, data), url, "written", limits)
    return None


def _write_local(path: str, data: bytes) -> None:
    temporary = _temporary_beside(path)
    try:
        temporary.write_bytes(data)
        # Not fs.mv: where `path` is a folder, it would move the file into it.
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create_whole(
    fs: AbstractFileSystem, path: str, data: bytes, url: str, limits: StorageLimits
) -> bool:
    """Write a whole file where there is none; missing parent folders are made.

    A server that knows no conditional writes lets every call pass (Amazon's does know them:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).

    Args:
        fs: from `resolve`.
        path: likewise.
        data: the content.
        url: for texts.
        limits: how patient to be.

    Returns:
        Whether it was written; False where there is one already, of other content.
    """
    create = partial(_create, fs, path, data)
    return create() if is_local(fs) else ask(create, url, "written", limits)


def _create(fs: AbstractFileSystem, path: str, data: bytes) -> bool:
    try:
        if is_local(fs):
            _link(path, data)
        else:
            with _creating:
                fs.pipe_file(path, data, mode="create")
    except PermissionError:
        raise
    except OSError:
        # FileExistsError, or what a server makes of it. And a request that is sent again, since
        # its answer was lost, finds what it wrote itself.
        fs.invalidate_cache()
        if not fs.exists(path):
            raise
        return bool(fs.cat_file(path) == data)
    return True


def _link(path: str, data: bytes) -> None:
    """Create a file that is never seen empty; where links are refused, it may be for a moment."""
    temporary = _temporary_beside(path)
    try:
        temporary.write_bytes(data)
        Path(path).hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        with Path(path).open("xb") as file:
            file.write(data)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_beside(path: str) -> Path:
    """A name for what is not whole yet, in the same folder, which is made."""
    parent = Path(posixpath.dirname(path))
    parent.mkdir(parents=True, exist_ok=True)
    # A short name of its own: the target's may already be as long as names can be.
    return parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}"
