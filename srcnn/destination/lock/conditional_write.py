"""Create a lock file on condition that there is none, if the server keeps such conditions."""

from __future__ import annotations

from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.owner import Holder
from srcnn.errors import StorageError

_NO_CONDITIONS = (
    "the storage {} conditional writes: the destination is locked without them, which takes a few "
    "seconds longer"
)


class NoConditionsError(Exception):
    """The server takes no conditional writes; the message says so, for the user."""


def create_lock(files: LockFiles, number: int, holder: Holder) -> bool:
    """Create our file on condition that there is none; False if another run was first.

    Args:
        files: of the destination.
        number: of the file.
        holder: this run.

    Raises:
        NoConditionsError: the server refuses conditions, or ignores them.
        OSError: the destination cannot be read.
    """
    content = holder.to_json()
    try:
        if not files.create(number, content):
            return False
        # Different bytes of the same meaning: the same bytes would look like a repeated request.
        is_ignored = files.create(number, content + b"\n")
    except FileNotFoundError:  # a run that just ended removed the empty folder
        return False
    # Any refusal: if it is not the condition that the server refuses, the next write fails too.
    except (StorageError, NotImplementedError):
        if files.is_local:  # a full disk, or one that cannot be written
            raise
        _remove_own(files, number, holder)
        raise NoConditionsError(_NO_CONDITIONS.format("refuses")) from None
    if is_ignored:
        _remove_own(files, number, holder)
        raise NoConditionsError(_NO_CONDITIONS.format("ignores"))
    return files.read(number) == content


def _remove_own(files: LockFiles, number: int, holder: Holder) -> None:
    """Remove a file that may have been written after all, unless it is another run's."""
    content = files.read(number)
    if content is not None and Holder.read_run_id(content) == holder.run_id:
        files.remove([number])
