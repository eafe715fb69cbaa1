"""List folders completely or raise: S3 directly, other file systems through fsspec."""

from __future__ import annotations

import math
import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from srcnn.errors import SourceMissingError, StorageError
from srcnn.printable_text import one_line, shorten
from srcnn.storage import s3_requests
from srcnn.storage.atomic_files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from srcnn.storage.file_table import FileInfo, FileTable, FileTableBuilder
from srcnn.storage.filesystems import is_local
from srcnn.storage.key_columns import encode_key
from srcnn.storage.local_listing import list_local
from srcnn.storage.map_reads import map_reads
from srcnn.storage.missing_path import describe_missing

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_STALE_SECONDS = 24 * 3600
_MOST_DIGITS = 18  # of a size
_MOST_SHOWN = 80  # characters of what a server sent
# Names under which listings give the version of a file, the most reliable first.
_VERSION_NAMES = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


def parse_file_info(info: Mapping[str, Any]) -> FileInfo:
    """Parse an entry of a listing, or the response about one file, of any file system."""
    versions = (_format_version(name, info[name]) for name in _VERSION_NAMES if name in info)
    size = info["size"] if "size" in info else info.get("Size")
    return FileInfo(size=int(size or 0), version=next(filter(None, versions), ""))


def _format_version(name: str, value: Any) -> str:
    if name == "LastModified" and value:
        # Whole seconds: a listing has fractions, and the response about one object has none.
        moment = value if isinstance(value, datetime) else _parse_time(str(value))
        return f"{math.floor(_count_seconds(moment))}.000000" if moment else str(value)
    if isinstance(value, datetime):  # from the memory file system's `info`; it lists floats
        value = _count_seconds(value)
    if isinstance(value, float):
        return f"{value:.6f}"
    return "" if value is None else s3_requests.normalise_etag(str(value))


def _count_seconds(moment: datetime) -> float:
    # The system's own function knows neither the first year nor the last day.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def list_s3(fs: AbstractFileSystem, root: str, url: str, retry: s3_requests.Retry) -> FileTable:
    """List every object below a prefix, by its key relative to it.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.
        url: of the folder, used in error messages.
        retry: makes a call with retries.

    Raises:
        SourceMissingError: nothing is below the prefix; the message says whether it is a file.
    """
    builder = FileTableBuilder()
    prefix, entries = s3_requests.get_prefix(fs, root), 0
    start = len(prefix)
    incomplete: list[str] = []  # the listing has no size, or neither an ETag nor a time
    for page in s3_requests.list_pages(fs, root, retry):
        entries += len(page)
        _refuse_strange(page, prefix, url)
        for entry in page:
            # Consoles mark a folder by an empty object whose key ends in a slash; it is not a file.
            if entry["Key"].endswith("/") and not int(entry.get("Size") or 0):
                continue
            key, info = entry["Key"][start:], parse_file_info(entry)
            if info.version and entry.get("Size") is not None:
                builder.add(key, info.size, info.version)
            else:
                incomplete.append(key)
    if start and not entries:
        raise SourceMissingError(f"{url}: {_describe_missing(fs, root, retry)}")
    found = read_infos(partial(_head, fs, root, retry), incomplete, is_remote=True)
    for key, info in found.items():
        builder.add(key, info.size, info.version)
    return builder.build()


def _refuse_strange(page: Sequence[Mapping[str, Any]], prefix: str, url: str) -> None:
    """Refuse entries that cannot be those of files below the prefix."""
    start = "" if "//" in f"/{prefix}" else prefix  # some servers take `a//b` for `a/b`
    for entry in page:
        key, size = entry.get("Key") or "", str(entry.get("Size") or 0)
        if not (key and key.startswith(start)) or not (
            size.isdecimal() and len(size) <= _MOST_DIGITS
        ):
            name = f"{shorten(one_line(key), _MOST_SHOWN)!r} of {shorten(size, _MOST_SHOWN)} bytes"
            raise StorageError(
                f"{url}: cannot be listed: the server lists {name}, which is no file below it: "
                "check AWS_ENDPOINT_URL and the server"
            )


def _head(fs: AbstractFileSystem, root: str, retry: s3_requests.Retry, key: str) -> FileInfo | None:
    try:
        return parse_file_info(retry(partial(s3_requests.head, fs, f"{root}/{key}")))
    except FileNotFoundError:
        return None


def read_infos(
    read: Callable[[str], FileInfo | None], keys: Sequence[str], *, is_remote: bool
) -> dict[str, FileInfo]:
    """Ask for size and version of files one by one; see `map_reads`.

    Args:
        read: asks for one; returns None if it is gone.
        keys: of the files.
        is_remote: whether a server is asked.
    """
    found = map_reads(read, keys, is_remote=is_remote)
    return {key: info for key, info in zip(keys, found, strict=True) if info}


def _describe_missing(fs: AbstractFileSystem, root: str, retry: s3_requests.Retry) -> str:
    """Say why a prefix has no objects: it is a file, or there is nothing."""
    try:
        retry(partial(s3_requests.head, fs, root))
    except FileNotFoundError:
        return "no such folder"
    return "is a file; expected a folder"


def list_any(fs: AbstractFileSystem, root: str, url: str, retry: s3_requests.Retry) -> FileTable:
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
        text = describe_missing(url, "no such folder") if is_local(fs) else f"{url}: no such folder"
        raise SourceMissingError(text) from error
    if kind != "directory":
        raise SourceMissingError(f"{url} is a file; expected a folder")
    if is_local(fs):
        return list_local(root)
    found = retry(partial(fs.find, root or "/", detail=True))
    builder = FileTableBuilder()
    for path, info in found.items():
        if info["type"] != "directory":
            parsed = parse_file_info(info)
            builder.add(path[len(root) + 1 :], parsed.size, parsed.version)
    return builder.build()


def find_stale_temporaries(files: FileTable) -> list[str]:
    """Find temporary files older than a day, whose writers were killed.

    Args:
        files: the listing of a local folder.

    Returns:
        Their keys.
    """
    before = time.time() - _STALE_SECONDS
    temporary = files.filter(pc.ends_with(files.keys_column, encode_key(TEMPORARY_SUFFIX)))
    return [
        key
        for key, info in temporary.items()
        if posixpath.basename(key).startswith(TEMPORARY_PREFIX)
        and float(info.version or "inf") < before
    ]
