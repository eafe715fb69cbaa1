"""How a worker on another machine follows its run: by the run's lock file.

See `srcnn.destination.lock.acquire` for the protocol.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Literal

from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.owner import Holder
from srcnn.storage.folder import Folder

WatchState = Literal["running", "stopping", "dropping", "lost"]


def watch(destination: Folder, run_id: str) -> WatchState:
    """Return the state of the run that a worker works for; called between images.

    A run counts as dead when its lock file has not changed for as long as its expiry. That time
    is measured on this machine, since the file was first seen as it is: the run's clock may differ.

    Args:
        destination: the destination.
        run_id: the run that the worker works for.

    Returns:
        The state that the run published; `lost` if it no longer holds the destination.

    Raises:
        OSError: the lock could not be read, so its state is unknown.
    """
    return _get_watcher(destination.url, run_id).check(LockFiles(destination))


class _Watcher:
    """Remembers since when a lock file has had its present content."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._holder: Holder | None = None
        self._since = 0.0

    def check(self, files: LockFiles) -> WatchState:
        newest = files.find_newest()
        holder = newest[1] if newest else None
        if holder is None or holder.run_id != self._run_id:
            return "lost"
        if holder != self._holder:
            self._holder, self._since = holder, time.monotonic()
        expired = time.monotonic() - self._since > holder.expires_seconds
        return "lost" if expired else holder.state


@lru_cache(maxsize=16)
def _get_watcher(_url: str, run_id: str) -> _Watcher:
    return _Watcher(run_id)
