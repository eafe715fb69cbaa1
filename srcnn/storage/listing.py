"""What lies in a folder: whole listings, or an error, of S3 and of whatever fsspec reaches."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from srcnn.errors import SourceMissingError
from srcnn.storage import s3
from srcnn.storage.files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from srcnn.storage.filesystems import is_local

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Ask = Callable[[Callable[[], Any]], Any]

_STALE_SECONDS = 24 * 3600
# What a listing calls the version of a file, the most telling first.
_VERSION_NAMES = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


@dataclass(frozen=True)
class FileInfo:
    """What a listing says of one file.

    Attributes:
        size: bytes.
        version: ETag, or the time of the last change; differs when the content does.
    """

    size: int
    version: str


def file_info(info: Mapping[str, Any]) -> FileInfo:
    """An entry of a listing, or an answer about one file, in one form."""
    version = next((info[name] for name in _VERSION_NAMES if info.get(name) is not None), "")
    if isinstance(version, datetime):  # the memory file system lists floats and tells dates
        version = version.timestamp()
    text = f"{version:.6f}" if isinstance(version, float) else str(version).strip('"')
    size = info["size"] if "size" in info else info["Size"]
    return FileInfo(size=int(size or 0), version=text)


def list_s3(fs: AbstractFileSystem, root: str, url: str, ask: Ask) -> dict[str, FileInfo]:
    """Every object below a prefix, by its key relative to it.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.
        url: of the folder, for texts.
        ask: calls, and tries again.

    Raises:
        SourceMissingError: nothing lies below the prefix; the text says what is there instead.
    """
    found: dict[str, FileInfo] = {}
    start, entries = len(s3.prefix_of(fs, root)), 0
    for page in s3.pages(fs, root, ask):
        entries += len(page)
        # A key that ends in a slash is how consoles mark a folder; it is no file.
        found |= {
            entry["Key"][start:]: file_info(entry)
            for entry in page
            if not entry["Key"].endswith("/")
        }
    if start and not entries:
        raise SourceMissingError(f"{url}: {_instead(fs, root, ask)}")
    return found


def _instead(fs: AbstractFileSystem, root: str, ask: Ask) -> str:
    """What is there in place of a prefix that holds nothing."""
    try:
        ask(partial(s3.head, fs, root))
    except FileNotFoundError:
        return "no such folder"
    return "is a file; expected a folder"


def list_any(fs: AbstractFileSystem, root: str, url: str, ask: Ask) -> dict[str, FileInfo]:
    """Every file below a folder, by its path relative to it.

    Args:
        fs: any file system.
        root: the folder, without a slash at its end.
        url: of the folder, for texts.
        ask: calls, and tries again where that helps.

    Raises:
        SourceMissingError: there is no such folder.
        OSError: a part of it could not be listed.
    """
    fs.invalidate_cache()
    try:
        kind = ask(partial(fs.info, root or "/"))["type"]
    except FileNotFoundError as error:
        raise SourceMissingError(f"{url}: no such folder") from error
    if kind != "directory":
        raise SourceMissingError(f"{url}: is a file; expected a folder")
    # fsspec's walk leaves out what it cannot list, unless told otherwise.
    strict = {"on_error": "raise"} if is_local(fs) else {}
    found = ask(partial(fs.find, root or "/", detail=True, **strict))
    # A link to a file counts as the file, and one that leads nowhere as a file that cannot be
    # read. A link to a folder may lead back up, and round for ever: `list_linked_folders`.
    entries = {
        path: fs.info(path) if info.get("islink") and fs.isfile(path) else info
        for path, info in found.items()
    }
    return {
        path[len(root) + 1 :]: file_info(info)
        for path, info in entries.items()
        if info["type"] == "file" or (info.get("islink") and not fs.isdir(path))
    }


def list_linked_folders(fs: AbstractFileSystem, root: str) -> list[str]:
    """Links to folders below a local folder, by their paths relative to it."""
    found: Mapping[str, dict[str, Any]] = fs.find(root, detail=True)
    linked = [path for path, info in found.items() if info.get("islink")]
    return [path[len(root) + 1 :] for path in linked if fs.isdir(path)]


def stale_among(files: Mapping[str, FileInfo]) -> list[str]:
    """Keys of what writers left that were killed more than a day ago.

    Args:
        files: the listing of a local folder.
    """
    before = time.time() - _STALE_SECONDS
    return [
        key
        for key, info in files.items()
        if posixpath.basename(key).startswith(TEMPORARY_PREFIX)
        and key.endswith(TEMPORARY_SUFFIX)
        and float(info.version or "inf") < before
    ]
