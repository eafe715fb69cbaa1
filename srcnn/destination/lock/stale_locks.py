"""Whether found locks are stale: by the clocks, and then by watching them. Live ones are refused.

See `srcnn.destination.lock.acquire` for the protocol.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from srcnn.destination.lock.found_locks import FoundLock, find_locks
from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.lock_messages import build_busy_error

_WATCHED_SHARE = 0.5  # of the expiry: two heartbeats
CHECKS_PER_EXPIRY = 20


def refuse_live(found: Mapping[int, FoundLock], expires_seconds: float) -> None:
    """Refuse a destination with a lock that is not stale, by the clocks.

    Args:
        found: the locks of the destination.
        expires_seconds: of a lock that cannot be parsed.

    Raises:
        DestinationBusyError: there is one.
    """
    for lock in found.values():
        is_stale = lock.is_expired(expires_seconds) or lock.is_from_future(expires_seconds)
        if not lock.is_process_gone and not is_stale:
            raise build_busy_error(lock, expires_seconds)


def refuse_refreshed(
    files: LockFiles, found: Mapping[int, FoundLock], expires_seconds: float
) -> None:
    """Watch the locks that are stale by the clocks alone, in case one is refreshed.

    A heartbeat in the future counts as now: such a lock is watched for its whole expiry.

    Args:
        files: of the destination.
        found: its locks, none of them live.
        expires_seconds: of a lock that cannot be parsed.

    Raises:
        DestinationBusyError: one is refreshed.
        OSError: the destination cannot be read.
    """
    expired = {number: lock for number, lock in found.items() if not lock.is_process_gone}
    if not expired:
        return
    longest = max(
        lock.holder.expires_seconds if lock.holder else expires_seconds for lock in expired.values()
    )
    future = any(lock.is_from_future(expires_seconds) for lock in expired.values())
    until = time.monotonic() + longest * (1 if future else _WATCHED_SHARE)
    while time.monotonic() < until:
        time.sleep(longest / CHECKS_PER_EXPIRY)
        for number, lock in expired.items():
            content = files.read(number)
            if content is None:
                return
            if content != lock.content:
                raise build_busy_error(find_locks(files).get(number, lock), expires_seconds)
