"""Folders and bucket prefixes by URL: list them, and read and write their files.

Knows nothing of images. Everything goes through fsspec, so folders, buckets and memory behave
alike.
"""

from __future__ import annotations

import os
import posixpath
from datetime import datetime
from functools import partial
from typing import IO, TYPE_CHECKING

from srcnn.errors import SourceMissingError, StorageError, UnusableFileError, UsageError
from srcnn.storage import s3_requests
from srcnn.storage.atomic_files import create_atomically, sync_folder, write_atomically
from srcnn.storage.bounded_reads import read_remote
from srcnn.storage.file_table import FileInfo, FileTable
from srcnn.storage.filesystems import is_local, is_s3
from srcnn.storage.folder_location import FolderLocation
from srcnn.storage.gcs_azure_metadata import parse_cloud_metadata
from srcnn.storage.keys import list_parents
from srcnn.storage.listing import find_stale_temporaries, list_any, list_s3, parse_file_info
from srcnn.storage.local_listing import find_local
from srcnn.storage.object_metadata import NO_METADATA, ObjectMetadata
from srcnn.storage.object_reads import open_object, read_object, read_object_with_metadata
from srcnn.storage.plain_files import open_plain, read_plain
from srcnn.storage.probes import has_any_object, try_abort_upload, try_list_uploads
from srcnn.storage.unfinished_uploads import UnfinishedUpload

if TYPE_CHECKING:
    from collections.abc import Iterable


class Folder(FolderLocation):
    """A folder or a bucket prefix, and what can be done with it and its files.

    Remote calls are retried within limits, and raise a `StorageError` or a `SourceMissingError`;
    local calls raise the system's own errors.
    """

    def exists(self) -> bool:
        """Whether the folder exists.

        Raises:
            SourceMissingError: its bucket does not exist.
            StorageError: the storage cannot be read.
        """
        fs, root = self._fs, self.root or "/"
        if is_s3(fs):
            return has_any_object(fs, self.root, self.url, self.limits)
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

    def refuse_file(self) -> None:
        """Check that the place of a folder to write is not taken by a file or a device.

        Raises:
            UsageError: it is, or one of its parents is.
        """
        path = self.local_path
        while path is not None and not path.exists() and path != path.parent:
            path = path.parent
        if path is not None and path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file: give --dst a folder")

    def info(self, key: str) -> FileInfo | None:
        """Read size and version of one file; None if it does not exist."""
        fs, path = self._fs, self._path(key)
        if is_local(fs):
            return find_local(path)
        fs.invalidate_cache()
        read = partial(s3_requests.head, fs, path) if is_s3(fs) else partial(fs.info, path)
        try:
            info = self._call("read", read, key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return parse_file_info(info) if info.get("type", "file") == "file" else None

    def files(self) -> FileTable:
        """List every file below the folder, by its key relative to it.

        Raises:
            SourceMissingError: the folder does not exist, or is a file.
            OSError: a part of it could not be listed; a listing is complete or an error.
        """
        listed = list_s3 if is_s3(self._fs) else list_any
        return listed(self._fs, self.root, self.url, partial(self._call, "listed"))

    def stale_temporaries(self, files: FileTable) -> list[str]:
        """Find temporary files older than a day, whose writers were killed.

        Args:
            files: the folder's listing.

        Returns:
            Their keys.
        """
        return find_stale_temporaries(files) if is_local(self._fs) else []  # only disks have them

    def unfinished_uploads(self) -> list[UnfinishedUpload]:
        """List uploads in parts that were never completed; empty if the storage cannot say."""
        if not is_s3(self._fs):
            return []
        return try_list_uploads(self._fs, self.root, self.url, self.limits)

    def abort_upload(self, upload: UnfinishedUpload) -> bool:
        """Drop an unfinished upload with its parts; return whether the storage did it."""
        url = self.get_url(upload.key)
        return try_abort_upload(self._fs, self.root, upload, url, self.limits)

    def open(self, key: str, info: FileInfo | None = None) -> IO[bytes]:
        """Open a file for random access, as reading a header needs it.

        Args:
            key: of the file.
            info: from a listing; saves a request.

        Returns:
            The file, for the caller to close.
        """
        path = self._path(key)
        if is_local(self._fs):
            return open_plain(path, url=self.get_url(key))
        if not is_s3(self._fs):
            opened: IO[bytes] = self._call("read", partial(self._fs.open, path, "rb"), key)
            return opened
        info = info or self.info(key)
        if info is None:
            raise SourceMissingError(f"{self.get_url(key)}: no such file")
        retry = partial(self._call, "read", key=key)
        return open_object(self._fs, path, self.get_url(key), info.size, retry)

    def read(self, key: str, limit_bytes: int | None = None, info: FileInfo | None = None) -> bytes:
        """Read a file.

        Args:
            key: of the file.
            limit_bytes: the most that a file of its kind can have; None for any size.
            info: from a listing; a size above the limit is refused without a request.

        Raises:
            UnusableFileError: it is larger, or not a plain file.
        """
        if is_local(self._fs):
            return read_plain(self._path(key), self.get_url(key), limit_bytes)
        fs, path, url = self._fs, self._path(key), self.get_url(key)
        if limit_bytes is not None and is_s3(fs):
            return read_object(fs, path, url, limit_bytes, partial(self._call, "read", key=key))
        if limit_bytes is None:
            content: bytes = self._call("read", partial(fs.cat_file, path), key)
            return content
        if info and info.size > limit_bytes:
            raise UnusableFileError(
                f"{url}: expected up to {limit_bytes:,} bytes, got {info.size:,}"
            )
        # The listed size may be false.
        return self._call("read", partial(read_remote, fs, path, url, limit_bytes), key)

    def read_with_metadata(
        self, key: str, limit_bytes: int, info: FileInfo | None = None
    ) -> tuple[bytes, ObjectMetadata]:
        """Read a file as `read` does, and what its bucket stores about it.

        Returns:
            Its content and its metadata; `NO_METADATA` if the storage has none.
        """
        if is_local(self._fs):
            return self.read(key, limit_bytes, info), NO_METADATA
        if not is_s3(self._fs):
            stored = self._call("read", partial(self._fs.info, self._path(key)), key)
            data = self.read(key, limit_bytes, info)
            return data, parse_cloud_metadata(self._fs, stored)
        retry = partial(self._call, "read", key=key)
        path, url = self._path(key), self.get_url(key)
        return read_object_with_metadata(self._fs, path, url, limit_bytes, retry)

    def write(self, key: str, data: bytes, metadata: ObjectMetadata | None = None) -> FileInfo:
        """Write a file atomically.

        Args:
            key: of the file.
            data: its content.
            metadata: to store about an image, where the storage can; None for our own files.

        Returns:
            Its size and version as a listing has them.
        """
        self._refuse_links(key)
        url = self.get_url(key)
        entry = write_atomically(
            self._fs, self._path(key), data, url, self.limits, metadata=metadata
        )
        info = parse_file_info(entry) if entry else self.info(key)
        if info is None or info.size != len(data):
            found = f"has {info.size}" if info else "is missing"
            raise StorageError(
                f"{self.get_url(key)}: wrote {len(data)} bytes, but the file {found}: run again"
            )
        return info

    def create(self, key: str, data: bytes) -> bool:
        """Create a file if there is none; see `create_atomically`."""
        self._refuse_links(key)
        return create_atomically(self._fs, self._path(key), data, self.get_url(key), self.limits)

    def remove(self, key: str) -> None:
        """Remove a file, if it exists."""
        # S3 accepts the removal of a file that does not exist.
        if is_s3(self._fs) or self.info(key):
            self._call("removed", partial(self._fs.rm_file, self._path(key)), key)

    def modified(self, key: str) -> datetime:
        """Return when a file was last written, by the storage's clock."""
        self._fs.invalidate_cache()
        read = partial(self._fs.modified, self._path(key))
        modified: datetime = self._call("read", read, key)
        return modified

    def sync_folders(self, keys: Iterable[str]) -> None:
        """Wait until the names of written files are on the disk; for remote storage, do nothing.

        Args:
            keys: of the files, whose contents `write` has synced already.
        """
        if is_local(self._fs):
            for folder in {parent for key in keys for parent in list_parents(key)}:
                sync_folder(self._path(folder) if folder else self.root or "/")

    def _refuse_links(self, key: str) -> None:
        """Files behind a link to a folder are in no listing of ours, and may be anyone's."""
        parent = posixpath.dirname(self._path(key))
        if is_local(self._fs) and os.path.realpath(parent) != parent:
            raise StorageError(
                f"{self.get_url(key)}: the path goes through a link to a folder, and could "
                "overwrite files that are not outputs: remove the link"
            )
