"""Folders that a lock creates, to be removed after the run if nothing else came into them."""

from __future__ import annotations

from pathlib import Path

from srcnn.destination.lock.lock_files import LOCK_FOLDER
from srcnn.errors import UsageError
from srcnn.storage.folder import Folder


def find_missing_folders(destination: Folder) -> list[Path]:
    """Those of the lock folder, the destination and its parents that do not exist yet.

    Args:
        destination: of the run.

    Returns:
        Their paths, the innermost first; none if the destination is not a local folder.

    Raises:
        UsageError: the destination is a file, or below one.
    """
    path = destination.local_path
    if path is None:
        return []
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir():
        raise UsageError(
            f"the destination {destination.url} is not usable: {nearest} is a file: "
            "give --dst a folder"
        )
    lock = path / LOCK_FOLDER
    above = [folder for folder in (path, *path.parents) if not folder.exists()]
    return [lock, lock.parent, *above]


def remove_empty(folders: list[Path]) -> None:
    """Remove folders in order, up to the first that is not empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
