"""List folders completely or raise: S3 directly, other file systems through fsspec."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from srcnn.errors import SourceMissingError
from srcnn.storage import s3_requests
from srcnn.storage.files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from srcnn.storage.filesystems import is_local

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_STALE_SECONDS = 24 * 3600
# Names under which listings give the version of a file, the most reliable first.
_VERSION_NAMES = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


@dataclass(frozen=True)
class FileInfo:
    """Size and version of a file, from a listing.

    Attributes:
        size: bytes.
        version: ETag, or the time of the last change; differs if the content differs.
    """

    size: int
    version: str


def parse_file_info(info: Mapping[str, Any]) -> FileInfo:
    """Parse an entry of a listing, or the response about one file, of any file system."""
    version = next((info[name] for name in _VERSION_NAMES if info.get(name) is not None), "")
    if isinstance(version, datetime):  # from the memory file system's `info`; it lists floats
        version = version.timestamp()
    text = f"{version:.6f}" if isinstance(version, float) else str(version).strip('"')
    size = info["size"] if "size" in info else info["Size"]
    return FileInfo(size=int(size or 0), version=text)


def list_s3(
    fs: AbstractFileSystem, root: str, url: str, retry: s3_requests.Retry
) -> dict[str, FileInfo]:
    """List every object below a prefix, by its key relative to it.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.
        url: of the folder, used in error messages.
        retry: makes a call with retries.

    Raises:
        SourceMissingError: nothing is below the prefix; the message says whether it is a file.
    """
    found: dict[str, FileInfo] = {}
    start, entries = len(s3_requests.get_prefix(fs, root)), 0
    for page in s3_requests.list_pages(fs, root, retry):
        entries += len(page)
        # Consoles mark a folder by a key that ends in a slash; it is not a file.
        found |= {
            entry["Key"][start:]: parse_file_info(entry)
            for entry in page
            if not entry["Key"].endswith("/")
        }
    if start and not entries:
        raise SourceMissingError(f"{url}: {_describe_missing(fs, root, retry)}")
    return found


def _describe_missing(fs: AbstractFileSystem, root: str, retry: s3_requests.Retry) -> str:
    """Say why a prefix has no objects: it is a file, or there is nothing."""
    try:
        retry(partial(s3_requests.head, fs, root))
    except FileNotFoundError:
        return "no such folder"
    return "is a file; expected a folder"


def list_any(
    fs: AbstractFileSystem, root: str, url: str, retry: s3_requests.Retry
) -> dict[str, FileInfo]:
    """List every file below a folder, by its path relative to it.

    Args:
        fs: any file system.
        root: the folder, without a slash at its end.
        url: of the folder, used in error messages.
        retry: makes a call, with retries if the file system is remote.

    Raises:
        SourceMissingError: there is no such folder.
        OSError: a part of it could not be listed.
    """
    fs.invalidate_cache()
    try:
        kind = retry(partial(fs.info, root or "/"))["type"]
    except FileNotFoundError as error:
        raise SourceMissingError(f"{url}: no such folder") from error
    if kind != "directory":
        raise SourceMissingError(f"{url} is a file; expected a folder")
    # By default, fsspec's walk skips what it cannot list.
    strict = {"on_error": "raise"} if is_local(fs) else {}
    found = retry(partial(fs.find, root or "/", detail=True, **strict))
    # A link to a file counts as the file, and a broken link as a file that cannot be read. Links
    # to folders are not followed, because they can form loops: see `list_linked_folders`.
    entries = {
        path: fs.info(path) if info.get("islink") and fs.isfile(path) else info
        for path, info in found.items()
    }
    return {
        path[len(root) + 1 :]: parse_file_info(info)
        for path, info in entries.items()
        if info["type"] == "file" or (info.get("islink") and not fs.isdir(path))
    }


def list_linked_folders(fs: AbstractFileSystem, root: str) -> list[str]:
    """List the links to folders below a local folder, by their paths relative to it."""
    found: Mapping[str, dict[str, Any]] = fs.find(root, detail=True)
    linked = [path for path, info in found.items() if info.get("islink")]
    return [path[len(root) + 1 :] for path in linked if fs.isdir(path)]


def find_stale_temporaries(files: Mapping[str, FileInfo]) -> list[str]:
    """Find temporary files older than a day, whose writers were killed.

    Args:
        files: the listing of a local folder.

    Returns:
        Their keys.
    """
    before = time.time() - _STALE_SECONDS
    return [
        key
        for key, info in files.items()
        if posixpath.basename(key).startswith(TEMPORARY_PREFIX)
        and key.endswith(TEMPORARY_SUFFIX)
        and float(info.version or "inf") < before
    ]
