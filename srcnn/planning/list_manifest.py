"""The files of a manifest as a listing: each is looked up, the source is not listed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pyarrow.compute as pc

from srcnn.errors import SourceMissingError, StorageUnavailableError, UsageError
from srcnn.image_task import Failure
from srcnn.planning.list_source import SourceListing, sort_files
from srcnn.storage.file_table import FileInfo, FileTable, FileTableBuilder
from srcnn.storage.folder import Folder
from srcnn.storage.map_reads import map_reads
from srcnn.storage.one_file import OneFile


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
    found = map_reads(partial(_find, source), files, is_remote=source.local_path is None)
    for key, info in zip(files, found, strict=True):
        if isinstance(info, Failure):
            failures[key] = info
        else:
            builder.add(key, info.size, info.version)
    return builder.build(), failures


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
