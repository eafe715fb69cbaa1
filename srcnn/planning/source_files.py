"""Which files of a source are its images."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from srcnn.destination.ledger import LEDGER_FOLDER, STATE_FOLDER
from srcnn.errors import UsageError
from srcnn.images.formats import detect_format
from srcnn.planning.scales_file import DEFAULT_NAME
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo

_SYSTEM_FOLDERS = frozenset(
    {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)


def check_folders(src: Folder, dst: Folder) -> None:
    """Refuse a destination that cannot be used, before anything is written there.

    Args:
        src: the folder to read.
        dst: the folder to write, which may lie inside.

    Raises:
        UsageError: outputs could replace sources.
        SourceMissingError: the destination's bucket is not there.
        StorageError: it cannot be reached.
    """
    if src.relative_key(dst) == "":
        raise UsageError(f"the destination {dst.url} is the source: give another --dst")
    if dst.relative_key(src):
        raise UsageError(
            f"the source {src.url} is inside the destination {dst.url}, where outputs could "
            "overwrite it: give another --dst"
        )
    dst.exists()  # raises where its bucket is not there, or does not answer


@dataclass(frozen=True)
class SourceListing:
    """The files of a source.

    Attributes:
        files: all of them, but those that runs wrote.
        images: keys of the images among them, sorted.
        ignored: visible files that are not images we read: how many, by extension.
        warnings: one for each folder that is skipped.
    """

    files: dict[str, FileInfo]
    images: list[str]
    ignored: dict[str, int]
    warnings: list[str]


def list_source(src: Folder, dst: Folder) -> SourceListing:
    """List a source, without the files of the destination, of earlier runs, or of a run's state.

    Args:
        src: the folder to read.
        dst: the folder to write, which may lie inside.

    Raises:
        SourceMissingError: the source does not exist.
        OSError: a part of it could not be listed.
    """
    inside, links, found = src.relative_key(dst), src.linked_folders(), src.files()
    files = _drop_folders(found, [STATE_FOLDER, *([inside] if inside else [])])
    earlier = find_earlier_outputs(files)
    files = _drop_folders(files, earlier)
    warnings = [
        f"{src.get_url(key)} contains outputs of an earlier run: skipped" for key in earlier
    ]
    warnings += [
        f"{src.get_url(key)} is a link to a folder and is not followed: use it as a separate --src"
        for key in links
    ]
    return SourceListing(files, *split_images(files), warnings)


def _drop_folders(files: dict[str, FileInfo], folders: Sequence[str]) -> dict[str, FileInfo]:
    prefixes = tuple(f"{folder}/" for folder in folders)
    return {key: info for key, info in files.items() if not key.startswith(prefixes)}


def find_earlier_outputs(listing: Iterable[str]) -> list[str]:
    """Find folders in a source that were the destination of a run, by their ledger.

    Args:
        listing: keys of files.
    """
    marked = (key.partition(f"/{LEDGER_FOLDER}") for key in listing)
    return sorted({folder for folder, mark, _ in marked if mark})


def split_images(listing: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Split files into images and a count of the others by extension.

    Hidden and system files are left out of both.

    Args:
        listing: keys of files.
    """
    visible = [key for key in sorted(listing) if not _is_hidden(key)]
    others = Counter(
        posixpath.splitext(key)[1].lower() or "no extension"
        for key in visible
        if not detect_format(key) and key != DEFAULT_NAME
    )
    return [key for key in visible if detect_format(key)], dict(others.most_common())


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") or part in _SYSTEM_FOLDERS for part in key.split("/"))
