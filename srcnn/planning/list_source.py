"""Which files of a source are its images."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from srcnn.destination.ledger import STATE_FOLDER
from srcnn.images.formats import detect_format
from srcnn.planning.scales_file import DEFAULT_NAME
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo

_DOTS = frozenset({".", ".."})  # in keys of buckets: such images fail, and are not hidden
# Programs write them beside images: notes on one, or on a folder.
_SIDECARS = frozenset({".aae", ".dop", ".pp3", ".thm", ".xmp"})
_SYSTEM_FILES = frozenset({"desktop.ini", "ehthumbs.db", "icon\r", "thumbs.db"})
_MOST_KINDS = 20
_SYSTEM_FOLDERS = frozenset(
    {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)


@dataclass(frozen=True)
class SourceListing:
    """The files of a source.

    Attributes:
        files: all of them, but those that runs wrote.
        images: keys of the images among them, sorted.
        ignored: visible files that are not images we read: how many, by extension. Sidecars
            are not counted.
        warnings: one for each folder that is skipped.
    """

    files: dict[str, FileInfo]
    images: list[str]
    ignored: dict[str, int]
    warnings: list[str]


def list_source(source: Folder, destination: Folder) -> SourceListing:
    """List a source, without the files of the destination, of earlier runs, or of a run's state.

    Args:
        source: the folder to read.
        destination: the folder to write, which may lie inside.

    Raises:
        SourceMissingError: the source does not exist.
        OSError: a part of it could not be listed.
    """
    inside, links, found = source.relative_key(destination), source.linked_folders(), source.files()
    files = _drop_folders(found, [STATE_FOLDER, *([inside] if inside else [])])
    earlier = find_earlier_outputs(files)
    files = _drop_folders(files, earlier)
    warnings = [
        f"{source.get_url(key)} contains outputs of an earlier run: skipped" for key in earlier
    ]
    warnings += [
        f"{source.get_url(key)} is a link to a folder and is not followed: "
        "use it as a separate --src"
        for key in links
    ]
    return SourceListing(files, *split_images(files), warnings)


def _drop_folders(files: dict[str, FileInfo], folders: Sequence[str]) -> dict[str, FileInfo]:
    prefixes = tuple(f"{folder}/" for folder in folders)
    return {key: info for key, info in files.items() if not key.startswith(prefixes)}


def find_earlier_outputs(listing: Iterable[str]) -> list[str]:
    """Find folders in a source that are or were the destination of a run, by its state in them.

    A lock counts too: a run that was killed early, and this one, if its destination is reached
    by another name, have outputs before they have a ledger.

    Args:
        listing: keys of files.
    """
    marked = (key.partition(f"/{STATE_FOLDER}/") for key in listing)
    return sorted({folder for folder, mark, _ in marked if mark})


def split_images(listing: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Split files into images and a count of the others by extension.

    Hidden and system files, sidecars and the scales file are left out of both. Rare extensions are
    counted together.

    Args:
        listing: keys of files.
    """
    visible = [key for key in sorted(listing) if not _is_hidden(key)]
    others = Counter(
        posixpath.splitext(key)[1].lower() or "no extension"
        for key in visible
        if not _is_image(key) and not _is_companion(key)
    )
    kinds = dict(others.most_common(_MOST_KINDS))
    if rest := others.total() - sum(kinds.values()):
        kinds["other extensions"] = rest
    return [key for key in visible if _is_image(key)], kinds


def _is_companion(key: str) -> bool:
    name = posixpath.basename(key).lower()
    return key == DEFAULT_NAME or name in _SYSTEM_FILES or posixpath.splitext(name)[1] in _SIDECARS


def _is_image(key: str) -> bool:
    # An object `photo.jpg/` with content cannot be read by that name: it fails.
    return bool(detect_format(key.rstrip("/")))


def _is_hidden(key: str) -> bool:
    return any(
        (part.startswith(".") and part not in _DOTS) or part in _SYSTEM_FOLDERS
        for part in key.split("/")
    )
