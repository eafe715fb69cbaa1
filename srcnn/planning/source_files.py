"""Which files of a source are its images."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable

from srcnn.destination.ledger import LEDGER_FOLDER, STATE_FOLDER
from srcnn.errors import UsageError
from srcnn.images.formats import format_of
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
        raise UsageError(f"the destination {dst.url} is the source: give --dst another folder")
    if dst.relative_key(src):
        raise UsageError(
            f"the source {src.url} lies inside the destination {dst.url}: outputs could replace "
            "sources; give --dst another folder"
        )
    dst.exists()  # raises where its bucket is not there, or does not answer


def list_source_files(src: Folder, dst: Folder) -> dict[str, FileInfo]:
    """List the source's files, without those of the destination or of a run's state.

    Args:
        src: the folder to read.
        dst: the folder to write, which may lie inside.

    Raises:
        SourceMissingError: the source is not there.
        OSError: a part of it could not be listed.
    """
    inside = src.relative_key(dst)
    own = [f"{STATE_FOLDER}/"] + ([f"{inside}/"] if inside else [])
    return {key: info for key, info in src.files().items() if not key.startswith(tuple(own))}


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
        if not format_of(key) and key != DEFAULT_NAME
    )
    return [key for key in visible if format_of(key)], dict(others.most_common())


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") or part in _SYSTEM_FOLDERS for part in key.split("/"))
