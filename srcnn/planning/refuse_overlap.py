"""Refuse a destination that is the source, or holds it, also under another name.

Names are not enough: a bind mount, a disk that ignores case, or a server that takes `a//b` for
`a/b` gives one folder two names. On disks the identity of folders is compared. Anywhere, the lock
file that a run writes to its destination must not show in the source.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from pathlib import Path

from srcnn.destination.lock.owner import Holder
from srcnn.errors import StorageUnavailableError, UsageError
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.keys import list_parents


def check_folders(source: Folder, destination: Folder) -> None:
    """Refuse a destination that cannot be used, before anything is written there.

    Args:
        source: the folder to read.
        destination: the folder to write, which may lie inside.

    Raises:
        UsageError: outputs could replace sources, or the destination's name is ambiguous.
        SourceMissingError: the destination's bucket is not there.
        StorageError: it cannot be reached.
    """
    _refuse_dots(destination)
    if source.relative_key(destination) == "" or _are_same(source, destination):
        raise _build_same_error(source, destination)
    if destination.relative_key(source) or _is_below(source, destination):
        raise _build_inside_error(source, destination)
    destination.refuse_file()
    destination.exists()  # raises where its bucket is not there, or does not answer


def refuse_shared(source: Folder, destination: Folder, lock_key: str, run_id: str) -> None:
    """Refuse a source that shows the lock file of this run: it is the destination.

    One request, before any image is read or written.

    Args:
        source: the folder to read.
        destination: the folder to write, which this run holds.
        lock_key: of the run's lock file in the destination.
        run_id: of this run; no two runs share one.

    Raises:
        UsageError: outputs would replace sources.
        StorageUnavailableError: the source does not answer.
    """
    try:
        content = source.read(lock_key)
    except StorageUnavailableError:
        raise
    except OSError:  # there is none, or it may not be read; the listing says what is wrong
        return
    if Holder.read_run_id(content) == run_id:
        raise _build_same_error(source, destination)


def refuse_shared_folders(
    source: Folder, destination: Folder, images: FileTable, outputs: FileTable
) -> None:
    """Refuse a destination that holds folders of the source under other names: bind mounts.

    Args:
        source: the folder to read.
        destination: the folder to write.
        images: of the source.
        outputs: the destination's files.

    Raises:
        UsageError: outputs could replace sources.
    """
    if source.local_path is None or destination.local_path is None:
        return
    sources = _identify_folders(source, images)
    targets = _identify_folders(destination, outputs)
    shared = sorted(sources.keys() & targets.keys())
    if not shared:
        return
    inner, outer = sources[shared[0]], targets[shared[0]]
    if inner == "":
        raise _build_inside_error(source, destination)
    raise UsageError(
        f"{source.get_url(inner)} of the source is {destination.get_url(outer)} under another "
        "name, where outputs could overwrite it: give another --dst"
    )


def _refuse_dots(destination: Folder) -> None:
    if destination.local_path is None and {".", ".."}.intersection(destination.root.split("/")):
        raise UsageError(
            f'the destination {destination.url} has a part "." or "..", which servers take for '
            "different folders: give --dst without it"
        )


def _are_same(source: Folder, destination: Folder) -> bool:
    first, second = source.local_path, destination.local_path
    if first is None or second is None or not (first.exists() and second.exists()):
        return False
    return first.samefile(second)


def _is_below(source: Folder, destination: Folder) -> bool:
    """Whether the source lies in the destination, as far as names and folders above it show."""
    inner, outer = source.local_path, destination.local_path
    if inner is not None and outer is not None:
        return outer.exists() and any(
            parent.samefile(outer) for parent in inner.parents if parent.exists()
        )
    # Servers may take `a//b` and `a/./b` for `a/b`; none needs a destination named so.
    plain_source, plain_destination = (
        f"{posixpath.normpath(folder.root)}/" for folder in (source, destination)
    )
    return (
        source.is_same_kind(destination)
        and plain_source != plain_destination
        and plain_source.startswith(plain_destination)
    )


def _identify_folders(folder: Folder, files: FileTable) -> dict[tuple[int, int], str]:
    """Find device and inode of the folders that files are in; those that are gone are left out."""
    root = folder.local_path or Path()
    found: dict[tuple[int, int], str] = {}
    folders = files.list_folders()
    for key in {"", *(parent for each in folders for parent in list_parents(f"{each}/"))}:
        with suppress(OSError):
            status = (root / key).stat()
            found[status.st_dev, status.st_ino] = key
    return found


def _build_same_error(source: Folder, destination: Folder) -> UsageError:
    same = source.relative_key(destination) == ""
    name = "" if same else f" {source.url} under another name"
    return UsageError(f"the destination {destination.url} is the source{name}: give another --dst")


def _build_inside_error(source: Folder, destination: Folder) -> UsageError:
    return UsageError(
        f"the source {source.url} is inside the destination {destination.url}, where outputs "
        "could overwrite it: give another --dst"
    )
