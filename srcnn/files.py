"""Single files by URL: read, and written whole or not at all.

Everything goes through fsspec, so that a folder, a bucket and memory behave alike.
"""

from __future__ import annotations

import os
import posixpath
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import fsspec
from fsspec.implementations.local import LocalFileSystem

from srcnn.errors import DownloadError, SourceMissingError, UsageError
from srcnn.urls import check_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

TEMPORARY_PREFIX = ".srcnn-"
TEMPORARY_SUFFIX = ".part"

_creating = threading.Lock()  # the memory file system looks, and then writes


def resolve(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of an URL, and the path inside it.

    Raises:
        UsageError: the protocol is unknown, or the URL carries credentials.
    """
    if "://" not in check_url(url):  # a path; url_to_fs would cut it at "::"
        local = LocalFileSystem()
        return local, local._strip_protocol(url)  # noqa: SLF001 - what url_to_fs calls
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise UsageError(f"{url}: {error}") from error
    return fs, path


def write_file(url: str, data: bytes) -> None:
    """Write a whole file, or leave what was there: no reader ever sees a part of it.

    Args:
        url: path or URL; missing parent folders are made.
        data: the content.
    """
    fs, path = resolve(url)
    write_whole(fs, path, data)


def file_exists(url: str) -> bool:
    """Whether there is a file.

    Raises:
        UsageError: there is a folder of this name.
    """
    fs, path = resolve(url)
    if fs.isdir(path):
        raise UsageError(f"{url}: is a folder; expected a file")
    return bool(fs.exists(path))


def read_file(url: str) -> bytes:
    """The content of one file.

    Raises:
        SourceMissingError: there is no such file.
        DownloadError: an HTTP server failed.
    """
    fs, path = resolve(url)
    try:
        content: bytes = fs.cat_file(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise SourceMissingError(f"{url}: no such file") from error
    except aiohttp.ClientError as error:  # no OSError, some of them
        raise DownloadError(f"{url}: cannot be read: {error}") from error
    return content


def write_whole(fs: AbstractFileSystem, path: str, data: bytes) -> None:
    """Write a whole file, or leave what was there; missing parent folders are made."""
    if not isinstance(fs, LocalFileSystem):
        # One PUT, or a multipart upload that is invisible until complete. Never an open
        # file: leaving it by an exception would publish the part written so far.
        fs.pipe_file(path, data)
        return
    temporary = _temporary_beside(fs, path)
    try:
        fs.pipe_file(temporary, data)
        # Not fs.mv: where `path` is a folder, it would move the file into it.
        Path(temporary).replace(path)
    except BaseException:
        if fs.exists(temporary):
            fs.rm_file(temporary)
        raise


def create_whole(fs: AbstractFileSystem, path: str, data: bytes) -> bool:
    """Write a whole file where there is none; missing parent folders are made.

    A server that knows no conditional writes lets every call pass (Amazon's does know them:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).

    Returns:
        Whether it was written; False where there is one already, of other content.
    """
    try:
        if isinstance(fs, LocalFileSystem):
            _link(fs, path, data)
        else:
            with _creating:
                fs.pipe_file(path, data, mode="create")
    except OSError:
        # FileExistsError, or what a server makes of it. And a request that is sent again, since
        # its answer was lost, finds what it wrote itself.
        fs.invalidate_cache()
        if not fs.exists(path):
            raise
        return bool(fs.cat_file(path) == data)
    return True


def _link(fs: LocalFileSystem, path: str, data: bytes) -> None:
    """Create a file that is never seen empty; where links are refused, it may be for a moment."""
    temporary = _temporary_beside(fs, path)
    try:
        fs.pipe_file(temporary, data)
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        with Path(path).open("xb") as file:
            file.write(data)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _temporary_beside(fs: LocalFileSystem, path: str) -> str:
    parent = posixpath.dirname(path)
    fs.makedirs(parent, exist_ok=True)
    # A short name of its own: the target's may already be as long as names can be.
    name = f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}"
    return posixpath.join(parent, name)
