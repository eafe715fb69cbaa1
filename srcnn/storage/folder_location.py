"""Where a folder is: its URL as a path of a file system, and the paths and URLs of its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from srcnn.storage import s3_requests
from srcnn.storage.filesystems import is_local, is_s3, resolve
from srcnn.storage.keys import check_key
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits, call_with_retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsspec import AbstractFileSystem

T = TypeVar("T")


class FolderLocation:
    """Where a folder is. Pickles as its URL and limits, to be sent to another process.

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

    def subfolder(self, key: str) -> Self:
        """Return a folder inside this one; it may not exist yet."""
        inner = type(self).__new__(type(self))  # no need to check the URL again
        inner.given = inner.url = self.get_url(key)
        inner.limits = self.limits
        inner._resolved = {}  # noqa: SLF001 - of this class
        return inner

    def __repr__(self) -> str:
        """Show the URL only."""
        return f"{type(self).__name__}({self.url!r})"

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

    @property
    def bucket(self) -> tuple[str, str] | None:
        """Bucket and the prefix of all keys, "" or with a slash at its end; None unless in S3."""
        if not is_s3(self._fs):
            return None
        bucket, _, _ = self._fs.split_path(self.root)
        return bucket, s3_requests.get_prefix(self._fs, self.root)

    def get_url(self, key: str) -> str:
        """Return the URL of a file in this folder, for messages and for reading."""
        return f"{self.url}{'' if self.url.endswith('/') else '/'}{key}"

    def _path(self, key: str) -> str:
        check_key(self._fs, key, self.get_url(key))
        return f"{self.root}/{key}"

    def is_same_kind(self, other: FolderLocation) -> bool:
        """Whether another folder is in a file system of the same kind."""
        return type(self._fs) is type(other._fs)

    def relative_key(self, other: FolderLocation) -> str | None:
        """Return the key of another folder in this one: "" if it is the same, None if outside."""
        if not self.is_same_kind(other):
            return None
        outer, inner = self.root, other.root
        if inner == outer:
            return ""
        return inner[len(outer) + 1 :] if inner.startswith(outer + "/") else None

    def _call(self, action: str, call: Callable[[], T], key: str | None = None) -> T:
        if is_local(self._fs):
            return call()
        url = self.url if key is None else self.get_url(key)
        return call_with_retries(call, url, action, self.limits)
