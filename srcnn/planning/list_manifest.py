"""The files of a manifest as a listing: each is looked up, the source is not listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow.compute as pc

from srcnn.errors import SourceMissingError, StorageUnavailableError, UsageError
from srcnn.image_task import Failure
from srcnn.planning.list_source import SourceListing, sort_files
from srcnn.storage.file_table import FileInfo, FileTable, FileTableBuilder
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import decode_keys
from srcnn.storage.one_file import OneFile

_THREADS = 16
_KEYS_PER_CALL = 64
_KEYS_AT_A_TIME = 16_384


def list_manifest(source: Folder, destination: Folder, listed: FileTable) -> SourceListing:
    """Return the files of a manifest as `list_source` returns those of a listing.

    Args:
        source: the folder to read.
        destination: the folder to write, which may lie inside.
        listed: the manifest's files; images without a version are looked up, a request each.

    Raises:
        UsageError: the source is a single image.
        SourceMissingError: the source does not exist.
        OSError: the source as a whole went out of reach.
    """
    if isinstance(source, OneFile):
        raise UsageError(
            f"--only-listed takes images of a folder, but --src {source.given} is one image"
        )
    listing = sort_files(source, destination, listed)
    is_unknown = pc.equal(listing.images.versions, b"")
    found, failures = _look_up(source, listing.images.filter(is_unknown))
    if failures and len(failures) == len(listing.images):
        source.probe()  # raises if it does not exist: then it is not the images that are missing
    images = listing.images.filter(pc.invert(is_unknown)).join(found)
    return replace(listing, images=images, failures=failures)


def _look_up(source: Folder, files: FileTable) -> tuple[FileTable, dict[str, Failure]]:
    builder = FileTableBuilder()
    failures: dict[str, Failure] = {}

    def look_up(keys: Sequence[str]) -> list[FileInfo | Failure]:
        return [_find(source, key) for key in keys]

    with ThreadPoolExecutor(_THREADS) as pool:
        for keys in _cut(files):
            parts = [
                keys[start : start + _KEYS_PER_CALL]
                for start in range(0, len(keys), _KEYS_PER_CALL)
            ]
            found = (each for part in pool.map(look_up, parts) for each in part)
            for key, info in zip(keys, found, strict=True):
                if isinstance(info, Failure):
                    failures[key] = info
                else:
                    builder.add(key, info.size, info.version)
    return builder.build(), failures


def _cut(files: FileTable) -> Iterator[list[str]]:
    for start in range(0, len(files), _KEYS_AT_A_TIME):
        yield decode_keys(files.keys_column.slice(start, _KEYS_AT_A_TIME))


def _find(source: Folder, key: str) -> FileInfo | Failure:
    """Find a file, or why it cannot be read; others than it are not concerned."""
    try:
        info = source.info(key)
    except OSError as error:
        if isinstance(error, StorageUnavailableError):
            source.probe()  # raises if the whole source is out of reach
        return Failure.from_error(error)
    if info is None:
        missing = SourceMissingError(f"{source.get_url(key)}: no such file")
        return Failure.from_error(missing)
    return info
