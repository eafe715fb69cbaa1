"""Folders and bucket prefixes by URL: list them, and read and write their files.

Knows nothing of images. Everything goes through fsspec, so folders, buckets and memory behave
alike.
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
from srcnn.storage import s3_requests
from srcnn.storage.files import create_atomically, write_atomically
from srcnn.storage.filesystems import is_local, is_s3, resolve
from srcnn.storage.listing import (
    FileInfo,
    find_stale_temporaries,
    list_any,
    list_linked_folders,
    list_s3,
    parse_file_info,
)
from srcnn.storage.ranged_file import RangedFile
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits, call_with_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fsspec import AbstractFileSystem

T = TypeVar("T")

# The first call to a storage waits less than later ones: it may be unreachable.
_PROBE_ATTEMPTS = 3
_PROBE_SECONDS = 10.0


class Folder:
    """A folder or a bucket prefix. Pickles as its URL and limits, to be sent to another process.

    Remote calls are retried within limits, and raise a `StorageError` or a `SourceMissingError`;
    local calls raise the system's own errors.

    Attributes:
        given: the URL as given, for reports.
        url: the same without trailing slashes.
        limits: of remote calls.
    """

    def __init__(self, url: str, limits: StorageLimits = DEFAULT_LIMITS) -> None:
        """Check the URL; nothing is read yet.

        Args:
            url: path or URL of the folder.
            limits: of remote calls.

        Raises:
            UsageError: the protocol is unknown, or the URL contains credentials.
        """
        self.given = url
        stripped = url.rstrip("/")
        # "/" and "memory://" are roots, and keep their slashes.
        self.url = url if not stripped or stripped.endswith(":") else stripped
        self.limits = limits
        self._resolved: dict[int, tuple[AbstractFileSystem, str]] = {}
        resolve(self.url, limits)

    def subfolder(self, key: str) -> Folder:
        """Return a folder inside this one; it may not exist yet."""
        inner = Folder.__new__(Folder)  # no need to check the URL again
        inner.given = inner.url = self.get_url(key)
        inner.limits = self.limits
        inner._resolved = {}  # noqa: SLF001 - of this class
        return inner

    def __repr__(self) -> str:
        """Show the URL only."""
        return f"Folder({self.url!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Omit the file system: its pickle would contain credentials."""
        return {"url": self.given, "limits": self.limits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the URL and the limits."""
        self.__init__(**state)  # type: ignore[misc] # no subclass changes the arguments

    def _resolve(self) -> tuple[AbstractFileSystem, str]:
        """Return file system and path, resolved per process: a client does not survive a fork."""
        process = os.getpid()
        if process not in self._resolved:
            fs, path = resolve(self.url, self.limits)
            # The real path, without links and dots, so that `relative_key` can compare folders.
            self._resolved[process] = fs, os.path.realpath(path) if is_local(fs) else path
        return self._resolved[process]

    @property
    def _fs(self) -> AbstractFileSystem:
        return self._resolve()[0]

    @property
    def root(self) -> str:
        """The folder's path inside its file system; absolute if the file system is local."""
        return self._resolve()[1].rstrip("/")

    @property
    def local_path(self) -> Path | None:
        """The folder's path if the file system is local; otherwise None."""
        return Path(self.root or "/") if is_local(self._fs) else None

    def _call(self, action: str, call: Callable[[], T], key: str | None = None) -> T:
        if is_local(self._fs):
            return call()
        url = self.url if key is None else self.get_url(key)
        return call_with_retries(call, url, action, self.limits)

    def _path(self, key: str) -> str:
        # A bucket may contain `a//b` and `../b`; on a disk these are other paths, maybe outside.
        if is_local(self._fs) and (key != posixpath.normpath(key) or key.startswith(("/", "../"))):
            raise StorageError(
                f"{self.get_url(key)}: this name is not a valid path inside a folder: rename the "
                "file, or write to a bucket"
            )
        return f"{self.root}/{key}"

    def get_url(self, key: str) -> str:
        """Return the URL of a file in this folder, for messages and for reading."""
        return f"{self.url}{'' if self.url.endswith('/') else '/'}{key}"

    def relative_key(self, other: Folder) -> str | None:
        """Return the key of another folder in this one: "" if it is the same, None if outside."""
        if type(self._fs) is not type(other._fs):
            return None
        outer, inner = self.root, other.root
        if inner == outer:
            return ""
        return inner[len(outer) + 1 :] if inner.startswith(outer + "/") else None

    def files(self) -> dict[str, FileInfo]:
        """List every file below the folder, by its key relative to it.

        Raises:
            SourceMissingError: the folder does not exist, or is a file.
            OSError: a part of it could not be listed; a listing is complete or an error.
        """
        listed = list_s3 if is_s3(self._fs) else list_any
        return listed(self._fs, self.root, self.url, partial(self._call, "listed"))

    def linked_folders(self) -> list[str]:
        """List the keys of links to folders below this one, which `files` does not follow."""
        return list_linked_folders(self._fs, self.root) if is_local(self._fs) else []

    def stale_temporaries(self, files: Mapping[str, FileInfo]) -> list[str]:
        """Find temporary files older than a day, whose writers were killed.

        Args:
            files: the folder's listing.

        Returns:
            Their keys.
        """
        return find_stale_temporaries(files) if is_local(self._fs) else []  # only disks have them

    def remove(self, key: str) -> None:
        """Remove a file, if it exists."""
        # S3 accepts the removal of a file that does not exist.
        if is_s3(self._fs) or self.info(key):
            self._call("removed", partial(self._fs.rm_file, self._path(key)), key)

    def info(self, key: str) -> FileInfo | None:
        """Read size and version of one file; None if it does not exist."""
        fs, path = self._fs, self._path(key)
        fs.invalidate_cache()
        read = partial(s3_requests.head, fs, path) if is_s3(fs) else partial(fs.info, path)
        try:
            info = self._call("read", read, key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return parse_file_info(info) if info.get("type", "file") == "file" else None

    def exists(self) -> bool:
        """Whether the folder exists.

        Raises:
            SourceMissingError: its bucket does not exist.
            StorageError: the storage cannot be read.
        """
        fs, root = self._fs, self.root or "/"
        if is_s3(fs):
            return self._exists_in_s3()
        return bool(self._call("listed", partial(fs.exists, root)))

    def probe(self) -> None:
        """Check that the folder can be used, by one cheap call.

        Raises:
            SourceMissingError: the folder or its bucket does not exist.
            AccessDeniedError: the credentials are missing, wrong, or not enough.
            StorageUnavailableError: the server does not respond.
            StorageError: any other failure of the storage.
        """
        if not self.exists():
            raise SourceMissingError(f"{self.url}: no such folder")

    def _exists_in_s3(self) -> bool:
        seconds = min(self.limits.timeout_seconds, _PROBE_SECONDS)
        limits = StorageLimits(min(self.limits.attempts, _PROBE_ATTEMPTS), seconds)
        has_any = partial(s3_requests.has_any, self._fs, self.root, timeout_seconds=seconds)
        return call_with_retries(has_any, self.url, "listed", limits)

    def open(self, key: str, info: FileInfo | None = None) -> IO[bytes]:
        """Open a file for random access, as reading a header needs it.

        Args:
            key: of the file.
            info: from a listing; saves a request.

        Returns:
            The file, for the caller to close.
        """
        if not is_s3(self._fs):
            path = self._path(key)
            opened: IO[bytes] = self._call("read", partial(self._fs.open, path, "rb"), key)
            return opened
        info = info or self.info(key)
        if info is None:
            raise SourceMissingError(f"{self.get_url(key)}: no such file")
        return io.BufferedReader(RangedFile(partial(self._read_range, key), info.size))

    def _read_range(self, key: str, start: int, end: int) -> bytes:
        """Read all bytes from a start position up to an end position."""
        call = partial(self._fs.cat_file, self._path(key), start=start, end=end)
        content: bytes = self._call("read", call, key)
        if len(content) != end - start:  # a truncated response raises by itself
            raise StorageError(
                f"{self.get_url(key)}: expected bytes {start} to {end}, got {len(content)} bytes: "
                "the file changed after it was listed; run again"
            )
        return content

    def read(self, key: str) -> bytes:
        """Read a file."""
        content: bytes = self._call("read", partial(self._fs.cat_file, self._path(key)), key)
        return content

    def write(self, key: str, data: bytes) -> FileInfo:
        """Write a file atomically; return its size and version as a listing has them."""
        self._refuse_links(key)
        entry = write_atomically(self._fs, self._path(key), data, self.get_url(key), self.limits)
        info = parse_file_info(entry) if entry else self.info(key)
        if info is None or info.size != len(data):
            found = f"has {info.size}" if info else "is missing"
            raise StorageError(
                f"{self.get_url(key)}: wrote {len(data)} bytes, but the file {found}: run again"
            )
        return info

    def _refuse_links(self, key: str) -> None:
        """Files behind a link to a folder are in no listing of ours, and may be anyone's."""
        parent = posixpath.dirname(self._path(key))
        if is_local(self._fs) and os.path.realpath(parent) != parent:
            raise StorageError(
                f"{self.get_url(key)}: the path goes through a link to a folder, and could "
                "overwrite files that are not outputs: remove the link"
            )

    def create(self, key: str, data: bytes) -> bool:
        """Create a file if there is none; see `create_atomically`."""
        return create_atomically(self._fs, self._path(key), data, self.get_url(key), self.limits)

    def modified(self, key: str) -> datetime:
        """Return when a file was last written, by the storage's clock."""
        self._fs.invalidate_cache()
        read = partial(self._fs.modified, self._path(key))
        modified: datetime = self._call("read", read, key)
        return modified
