"""Folders and bucket prefixes by URL: list, read, and write whole files or nothing.

Knows nothing of images. Everything goes through fsspec, so that a folder, a
bucket and memory behave alike.
"""

from __future__ import annotations

import io
import os
import posixpath
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from srcnn.errors import SourceMissingError, StorageError
from srcnn.storage import s3
from srcnn.storage.files import create_whole, write_whole
from srcnn.storage.filesystems import is_local, is_s3, resolve
from srcnn.storage.listing import (
    FileInfo,
    file_info,
    list_any,
    list_linked_folders,
    list_s3,
    stale_among,
)
from srcnn.storage.ranged_file import RangedFile
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fsspec import AbstractFileSystem

T = TypeVar("T")

# A storage that nothing is known of is not waited for as long as one that worked before.
_PROBE_ATTEMPTS = 3
_PROBE_SECONDS = 10.0


class Folder:
    """A folder or a bucket prefix. Pickles as its URL, so that it can go to another process.

    What fails remotely is tried again within limits, and raises a `StorageError` or a
    `SourceMissingError`; what fails on this machine raises what the system says.

    Attributes:
        url: as given.
        limits: how patient calls are.
    """

    def __init__(self, url: str, limits: StorageLimits = DEFAULT_LIMITS) -> None:
        """Look at nothing yet.

        Args:
            url: path or URL of the folder.
            limits: how patient calls are.

        Raises:
            UsageError: the protocol is unknown, or the URL carries credentials.
        """
        stripped = url.rstrip("/")
        # "/" and "memory://" are roots; their slashes are no trailing ones.
        self.url = url if not stripped or stripped.endswith(":") else stripped
        self.limits = limits
        self._resolved: dict[int, tuple[AbstractFileSystem, str]] = {}
        resolve(self.url, limits)

    def __repr__(self) -> str:
        """The URL alone."""
        return f"Folder({self.url!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Leave the file system behind: its pickle would contain credentials."""
        return {"url": self.url, "limits": self.limits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the URL and the limits."""
        self.__init__(**state)  # type: ignore[misc] # the same class: nobody inherits

    def _place(self) -> tuple[AbstractFileSystem, str]:
        """File system and path, found once in each process: a client does not survive a fork."""
        process = os.getpid()
        if process not in self._resolved:
            fs, path = resolve(self.url, self.limits)
            # One folder has one name, whatever links and dots lead to it: see `key_of`.
            self._resolved[process] = fs, os.path.realpath(path) if is_local(fs) else path
        return self._resolved[process]

    @property
    def _fs(self) -> AbstractFileSystem:
        return self._place()[0]

    @property
    def root(self) -> str:
        """The folder's path inside its file system, absolute where the file system is local."""
        return self._place()[1].rstrip("/")

    @property
    def local_path(self) -> Path | None:
        """The folder's path where the file system is this machine's; None elsewhere."""
        return Path(self.root or "/") if is_local(self._fs) else None

    def _ask(self, doing: str, call: Callable[[], T], key: str | None = None) -> T:
        if is_local(self._fs):
            return call()
        return ask(call, self.url if key is None else self.url_of(key), doing, self.limits)

    def _path(self, key: str) -> str:
        # A bucket may hold `a//b` and `../b`; a disk would make another name of them, anywhere.
        if is_local(self._fs) and (key != posixpath.normpath(key) or key.startswith(("/", "../"))):
            raise StorageError(
                f"{self.url_of(key)}: the key is no path below a folder: rename it, or write to a "
                "bucket"
            )
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
        listed = list_s3 if is_s3(self._fs) else list_any
        return listed(self._fs, self.root, self.url, partial(self._ask, "listed"))

    def linked_folders(self) -> list[str]:
        """Keys of links to folders below this one, which `files` does not follow."""
        return list_linked_folders(self._fs, self.root) if is_local(self._fs) else []

    def stale_temporaries(self, files: Mapping[str, FileInfo]) -> list[str]:
        """Keys of what writers left that were killed more than a day ago.

        Args:
            files: the folder's listing.
        """
        return stale_among(files) if is_local(self._fs) else []  # elsewhere there are none

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        # S3 is content to remove what is not there.
        if is_s3(self._fs) or self.info(key):
            self._ask("removed", partial(self._fs.rm_file, self._path(key)), key)

    def info(self, key: str) -> FileInfo | None:
        """What is known of one file; None where there is none."""
        fs, path = self._fs, self._path(key)
        fs.invalidate_cache()
        look = partial(s3.head, fs, path) if is_s3(fs) else partial(fs.info, path)
        try:
            info = self._ask("read", look, key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return file_info(info) if info.get("type", "file") == "file" else None

    def exists(self) -> bool:
        """Whether the folder is there.

        Raises:
            SourceMissingError: its bucket is not there.
            StorageError: nobody can say.
        """
        fs, root = self._fs, self.root or "/"
        if is_s3(fs):
            return self._is_any_in_s3()
        return bool(self._ask("listed", partial(fs.exists, root)))

    def probe(self) -> None:
        """See at little cost that the folder as a whole can be used.

        Raises:
            SourceMissingError: it is not there, or its bucket is not.
            AccessDeniedError: the credentials are missing, wrong, or not enough.
            StorageUnavailableError: it does not answer.
            StorageError: anything else that the storage said.
        """
        if not self.exists():
            raise SourceMissingError(f"{self.url}: no such folder")

    def _is_any_in_s3(self) -> bool:
        seconds = min(self.limits.timeout_seconds, _PROBE_SECONDS)
        limits = StorageLimits(min(self.limits.attempts, _PROBE_ATTEMPTS), seconds)
        look = partial(s3.is_any, self._fs, self.root, timeout_seconds=seconds)
        return ask(look, self.url, "listed", limits)

    def open(self, key: str, info: FileInfo | None = None) -> IO[bytes]:
        """A file to read from here and there, as a header needs; close it.

        Args:
            key: of the file.
            info: what a listing says of it, which saves a request.
        """
        if not is_s3(self._fs):
            path = self._path(key)
            opened: IO[bytes] = self._ask("read", partial(self._fs.open, path, "rb"), key)
            return opened
        info = info or self.info(key)
        if info is None:
            raise SourceMissingError(f"{self.url_of(key)}: no such file")
        return io.BufferedReader(RangedFile(partial(self._range, key), info.size))

    def _range(self, key: str, start: int, end: int) -> bytes:
        """Bytes of a file from one position up to another, all of them."""
        call = partial(self._fs.cat_file, self._path(key), start=start, end=end)
        content: bytes = self._ask("read", call, key)
        if len(content) != end - start:  # what is cut short raises by itself
            raise StorageError(
                f"{self.url_of(key)}: expected bytes {start} to {end}, got {len(content)} of them: "
                "it changed after it was listed; run again"
            )
        return content

    def read(self, key: str) -> bytes:
        """The content of one file."""
        content: bytes = self._ask("read", partial(self._fs.cat_file, self._path(key)), key)
        return content

    def write(self, key: str, data: bytes) -> FileInfo:
        """Write a whole file, or nothing; the result is what a listing will say of it."""
        self._refuse_links(key)
        told = write_whole(self._fs, self._path(key), data, self.url_of(key), self.limits)
        info = file_info(told) if told else self.info(key)
        if info is None or info.size != len(data):
            raise StorageError(
                f"{self.url_of(key)}: wrote {len(data)} bytes, found {info.size if info else None}"
            )
        return info

    def _refuse_links(self, key: str) -> None:
        """What lies behind a link is in no listing of ours, and may be anyone's."""
        parent = posixpath.dirname(self._path(key))
        if is_local(self._fs) and os.path.realpath(parent) != parent:
            raise StorageError(
                f"{self.url_of(key)}: lies behind a link to a folder, where it could replace what "
                "is no output: remove the link"
            )

    def create(self, key: str, data: bytes) -> bool:
        """Write a whole file where there is none; see `create_whole`."""
        return create_whole(self._fs, self._path(key), data, self.url_of(key), self.limits)

    def modified(self, key: str) -> datetime:
        """When a file was last written, by the clock of what keeps it."""
        self._fs.invalidate_cache()
        look = partial(self._fs.modified, self._path(key))
        time_written: datetime = self._ask("read", look, key)
        return time_written
