"""Folders and bucket prefixes by URL: list, read, and write whole files or nothing.

Knows nothing of images. Everything goes through fsspec, so that a folder, a
bucket and memory behave alike; what differs between them is here and nowhere
else.
"""

from __future__ import annotations

import functools
import os
import posixpath
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fsspec.implementations.local import LocalFileSystem

from srcnn.errors import SourceMissingError
from srcnn.files import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, create_whole, resolve, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fsspec import AbstractFileSystem

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


class Folder:
    """A folder or a bucket prefix. Pickles as its URL, so that it can go to another process.

    Attributes:
        url: as given.
    """

    def __init__(self, url: str) -> None:
        """Look at nothing yet.

        Args:
            url: path or URL of the folder.

        Raises:
            UsageError: the protocol is unknown, or the URL carries credentials.
        """
        stripped = url.rstrip("/")
        # "/" and "memory://" are roots; their slashes are no trailing ones.
        self.url = url if not stripped or stripped.endswith(":") else stripped
        resolve(self.url)

    def __repr__(self) -> str:
        """The URL alone."""
        return f"Folder({self.url!r})"

    def __getstate__(self) -> dict[str, str]:
        """Leave the file system behind: its pickle would contain credentials."""
        return {"url": self.url}

    def __setstate__(self, state: dict[str, str]) -> None:
        """Take the URL."""
        self.url = state["url"]

    @functools.cached_property
    def _resolved(self) -> tuple[AbstractFileSystem, str]:
        fs, path = resolve(self.url)
        # One folder has one name, whatever links and dots lead to it: see `key_of`.
        return fs, os.path.realpath(path) if isinstance(fs, LocalFileSystem) else path

    @property
    def _fs(self) -> AbstractFileSystem:
        return self._resolved[0]

    @property
    def root(self) -> str:
        """The folder's path inside its file system, absolute where the file system is local."""
        return self._resolved[1].rstrip("/")

    def _path(self, key: str) -> str:
        return f"{self.root}/{key}"

    def url_of(self, key: str) -> str:
        """The URL of a file in this folder, for people to read."""
        return f"{self.url}{'' if self.url.endswith('/') else '/'}{key}"

    def key_of(self, other: Folder) -> str | None:
        """Where another folder lies inside this one: "" for the same, None for outside."""
        if type(self._fs) is not type(other._fs):
            return None
        outer, inner = self.root, other.root
        if inner == outer:
            return ""
        return inner[len(outer) + 1 :] if inner.startswith(outer + "/") else None

    def files(self) -> dict[str, FileInfo]:
        """Every file below the folder, by its key relative to it.

        Raises:
            SourceMissingError: the folder is not there, or is a file.
            OSError: a part of it could not be listed; a listing is whole or an error.
        """
        fs = self._fs
        fs.invalidate_cache()
        try:
            kind = fs.info(self.root or "/")["type"]
        except FileNotFoundError as error:
            raise SourceMissingError(f"{self.url}: no such folder") from error
        if kind != "directory":
            raise SourceMissingError(f"{self.url}: is a file; expected a folder")
        # fsspec's walk leaves out what it cannot list, unless told otherwise.
        strict = {"on_error": "raise"} if isinstance(fs, LocalFileSystem) else {}
        found: Mapping[str, dict[str, Any]] = fs.find(self.root or "/", detail=True, **strict)
        start = len(self.root) + 1
        # A link to a file counts as the file, and one that leads nowhere as a file that cannot
        # be read. A link to a folder may lead back up, and round for ever: `linked_folders`.
        entries = {
            path: fs.info(path) if info.get("islink") and fs.isfile(path) else info
            for path, info in found.items()
        }
        return {
            path[start:]: _file_info(info)
            for path, info in entries.items()
            if info["type"] == "file" or (info.get("islink") and not fs.isdir(path))
        }

    def linked_folders(self) -> list[str]:
        """Keys of links to folders below this one, which `files` does not follow."""
        if not isinstance(self._fs, LocalFileSystem):
            return []
        found: Mapping[str, dict[str, Any]] = self._fs.find(self.root, detail=True)
        linked = [path for path, info in found.items() if info.get("islink")]
        return [path[len(self.root) + 1 :] for path in linked if self._fs.isdir(path)]

    def stale_temporaries(self, files: Mapping[str, FileInfo]) -> list[str]:
        """Keys of what writers left that were killed more than a day ago.

        Args:
            files: the folder's listing.
        """
        if not isinstance(self._fs, LocalFileSystem):  # elsewhere there are none
            return []
        before = time.time() - _STALE_SECONDS
        return [
            key
            for key, info in files.items()
            if posixpath.basename(key).startswith(TEMPORARY_PREFIX)
            and key.endswith(TEMPORARY_SUFFIX)
            and float(info.version or "inf") < before
        ]

    @property
    def local_path(self) -> Path | None:
        """The folder's path where the file system is this machine's; None elsewhere."""
        return Path(self.root or "/") if isinstance(self._fs, LocalFileSystem) else None

    def create(self, key: str, data: bytes) -> bool:
        """Write a whole file where there is none; see `create_whole`."""
        return create_whole(self._fs, self._path(key), data)

    def modified(self, key: str) -> datetime:
        """When a file was last written, by the clock of what keeps it."""
        time_written: datetime = self._fs.modified(self._path(key))
        return time_written

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        if self.info(key):
            self._fs.rm_file(self._path(key))

    def info(self, key: str) -> FileInfo | None:
        """What is known of one file; None where there is none."""
        self._fs.invalidate_cache()
        try:
            info = self._fs.info(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _file_info(info) if info["type"] == "file" else None

    def exists(self) -> bool:
        """Whether the folder is there."""
        return bool(self._fs.exists(self.root or "/"))

    def open(self, key: str) -> IO[bytes]:
        """A file to read from here and there, as a header needs; close it."""
        opened: IO[bytes] = self._fs.open(self._path(key), "rb")
        return opened

    def read(self, key: str) -> bytes:
        """The content of one file."""
        content: bytes = self._fs.cat_file(self._path(key))
        return content

    def write(self, key: str, data: bytes) -> FileInfo:
        """Write a whole file, or nothing; the result is what a listing will say of it."""
        write_whole(self._fs, self._path(key), data)
        info = self.info(key)
        if info is None or info.size != len(data):
            raise OSError(
                f"{self.url_of(key)}: wrote {len(data)} bytes, found {info.size if info else None}"
            )
        return info


def _file_info(info: Mapping[str, Any]) -> FileInfo:
    version = next((info[name] for name in _VERSION_NAMES if info.get(name) is not None), "")
    if isinstance(version, datetime):  # the memory file system lists floats and tells dates
        version = version.timestamp()
    text = f"{version:.6f}" if isinstance(version, float) else str(version).strip('"')
    return FileInfo(size=int(info["size"] or 0), version=text)
