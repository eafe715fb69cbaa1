"""Keys: the names of files relative to a folder, with slashes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from srcnn.errors import StorageError
from srcnn.storage.filesystems import VERSION_MARK, is_local, is_s3

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_DOTS = frozenset({".", ".."})


def list_parents(key: str) -> list[str]:
    """List the folders that a key goes through, from "" on: "", "a" and "a/b" for "a/b/c.png"."""
    parts = key.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts))]


def check_key(fs: AbstractFileSystem, key: str, url: str) -> None:
    """Check that a key names one file below its folder, and no other file.

    Args:
        fs: from `resolve`.
        key: of the file.
        url: of the file, used in error messages.

    Raises:
        StorageError: it does not.
    """
    # A bucket may contain `a//b` and `../b`; on a disk these are other paths, maybe outside.
    if is_local(fs) and (
        key != posixpath.normpath(key) or key.startswith(("/", "../")) or "\0" in key
    ):
        raise StorageError(
            f"{url}: this name is not a valid path inside a folder: rename the "
            "file, or write to a bucket"
        )
    # Clients and servers resolve them: another object would be read, or replaced.
    if is_s3(fs) and (key.endswith("/") or _DOTS.intersection(key.split("/"))):
        raise StorageError(
            f'{url}: this name has a part "." or "..", or ends in a slash, which '
            "servers take for another name: rename the object"
        )
    if is_s3(fs) and VERSION_MARK in key:
        raise StorageError(
            f'{url}: this name contains "{VERSION_MARK}", which is taken for the version of '
            "another object: rename the object"
        )
    if is_s3(fs) and not _is_utf_8(key):
        raise StorageError(f"{url}: its name is not UTF-8: rename it")


def _is_utf_8(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
