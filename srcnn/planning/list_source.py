"""Which files of a source are its images."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from srcnn.destination.ledger import STATE_FOLDER
from srcnn.image_task import Failure
from srcnn.images.formats import EXTENSIONS
from srcnn.planning.scales_file import DEFAULT_NAME
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import decode_key, encode_key

# Programs write them beside images: notes on one, or on a folder.
_SIDECARS = frozenset({".aae", ".dop", ".pp3", ".thm", ".xmp"})
_SYSTEM_FILES = frozenset({"desktop.ini", "ehthumbs.db", "icon\r", "thumbs.db"})
_MOST_KINDS = 20
_SYSTEM_FOLDERS = r"__MACOSX|@eaDir|\$RECYCLE\.BIN|System Volume Information|lost\+found"
# "." and ".." in keys of buckets are not hidden: such images fail.
_HIDDEN = rf"(^|/)(\.[^./]|\.\.[^/]|({_SYSTEM_FOLDERS})(/|$))"
_SUFFIXES = "|".join(suffix[1:] for suffixes in EXTENSIONS.values() for suffix in suffixes)
# An object `photo.jpg/` with content cannot be read by that name: it fails. A name that is nothing
# but an extension is hidden.
_IMAGE = rf"(?i)\.({_SUFFIXES})/*$"


@dataclass(frozen=True)
class SourceListing:
    """The files of a source.

    Attributes:
        files: all of them, but those that runs wrote.
        images: the images among them.
        ignored: visible files that are not images we read: how many, by extension. Sidecars
            are not counted.
        warnings: one for each folder that is skipped.
        failures: of images that were requested by name and cannot be read, by key.
    """

    files: FileTable
    images: FileTable
    ignored: dict[str, int]
    warnings: list[str]
    failures: Mapping[str, Failure] = field(default_factory=dict)


def list_source(source: Folder, destination: Folder) -> SourceListing:
    """List a source, without the files of the destination, of earlier runs, or of a run's state.

    Args:
        source: the folder to read.
        destination: the folder to write, which may lie inside.

    Raises:
        SourceMissingError: the source does not exist.
        OSError: a part of it could not be listed.
    """
    return sort_files(source, destination, source.files())


def sort_files(source: Folder, destination: Folder, found: FileTable) -> SourceListing:
    """Sort files of a source into images and others, as `list_source` does.

    Args:
        source: the folder to read.
        destination: the folder to write, which may lie inside.
        found: the files.
    """
    inside = source.relative_key(destination)
    files = _drop_folders(found, [STATE_FOLDER, *([inside] if inside else [])])
    earlier = find_earlier_outputs(files)
    files = _drop_folders(files, earlier)
    warnings = [
        f"{source.get_url(key)} contains outputs of an earlier run: skipped" for key in earlier
    ]
    warnings += [
        f"{source.get_url(key)} is a link to a folder and is not followed: "
        "use it as a separate --src"
        for key in found.linked_folders
    ]
    return SourceListing(files, *split_images(files), warnings)


def _drop_folders(files: FileTable, folders: Sequence[str]) -> FileTable:
    for folder in folders:
        inside = pc.starts_with(files.keys_column, encode_key(f"{folder}/"))
        files = files.filter(pc.invert(inside))
    return files


def find_earlier_outputs(listing: FileTable) -> list[str]:
    """Find folders in a source that are or were the destination of a run, by its state in them.

    A lock counts too: a run that was killed early, and this one, if its destination is reached
    by another name, have outputs before they have a ledger.

    Args:
        listing: the files.
    """
    state = f"/{STATE_FOLDER}/"
    inside = listing.filter(pc.match_substring(listing.keys_column, encode_key(state)))
    return sorted({key.partition(state)[0] for key in inside})


def split_images(files: FileTable) -> tuple[FileTable, dict[str, int]]:
    """Split files into images and a count of the others by extension.

    Hidden and system files, sidecars and the scales file are left out of both. Rare extensions are
    counted together.

    Args:
        files: of a folder.
    """
    keys = files.keys_column
    is_visible = pc.invert(_matches(keys, _HIDDEN))
    is_image = _matches(keys, _IMAGE)
    others = keys.filter(pc.and_not(is_visible, is_image))
    return files.filter(pc.and_(is_visible, is_image)), _count_kinds(others)


def _matches(keys: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(keys, pattern)


def _count_kinds(keys: pa.Array) -> dict[str, int]:
    names = (decode_key(encoded.as_py()) for encoded in keys)
    kinds = Counter(
        posixpath.splitext(name)[1].lower() or "no extension"
        for name in names
        if not _is_companion(name)
    )
    shown = dict(kinds.most_common(_MOST_KINDS))
    if rest := kinds.total() - sum(shown.values()):
        shown["other extensions"] = rest
    return shown


def _is_companion(key: str) -> bool:
    name = posixpath.basename(key).lower()
    return key == DEFAULT_NAME or name in _SYSTEM_FILES or posixpath.splitext(name)[1] in _SIDECARS
