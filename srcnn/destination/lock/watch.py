"""What a run reports to its workers elsewhere, by its lock file: `srcnn.destination.lock`."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Literal

from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.owner import Holder
from srcnn.storage.folder import Folder

WatchState = Literal["running", "stopping", "dropping", "lost"]


def watch(dst: Folder, run_id: str) -> WatchState:
    """What a run tells its workers; for a worker, between images.

    A run counts as dead when its lock file stays the same for as long as it says it may: by
    this machine's clock alone, which may differ from the run's, and since the first look.

    Args:
        dst: the destination.
        run_id: the run that the worker works for.

    Returns:
        The run's state; `lost` where the destination is not the run's any more.

    Raises:
        OSError: it could not be read, which says nothing of the lock.
    """
    return _watcher(dst.url, run_id).look(LockFiles(dst))


class _Watcher:
    """Remembers since when a lock file has been as it is."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._seen = b""
        self._since = 0.0

    def look(self, files: LockFiles) -> WatchState:
        numbers = files.numbers()
        content = files.read(numbers[-1]) if numbers else None
        if content is None or Holder.run_of(content) != self._run_id:
            return "lost"
        if content != self._seen:
            self._seen, self._since = content, time.monotonic()
        holder = Holder.parse(content)
        expired = time.monotonic() - self._since > holder.expires_seconds
        return "lost" if expired else holder.state


@lru_cache(maxsize=16)
def _watcher(_url: str, run_id: str) -> _Watcher:
    return _Watcher(run_id)
