"""Messages about the locks of other runs, for the user."""

from __future__ import annotations

from srcnn.destination.lock.found_locks import FoundLock
from srcnn.errors import DestinationBusyError


def build_busy_error(lock: FoundLock, expires_seconds: float) -> DestinationBusyError:
    """Build the error for a destination that another run holds, with what to do about it.

    Args:
        lock: of the other run.
        expires_seconds: of a lock that cannot be parsed.
    """
    if lock.holder is None:
        return DestinationBusyError(
            f"the destination seems to be in use: its lock file {lock.url} cannot be read. It was "
            f"written {lock.age_seconds:.0f} s ago and becomes stale after {expires_seconds:g} s: "
            "wait until then, or remove it if no run is active"
        )
    return DestinationBusyError(
        f"the destination is in use by {lock.holder}: wait for that run to end, or stop it. If the "
        f"run died, its lock becomes stale {lock.holder.expires_seconds:g} s after the last "
        f"heartbeat; if you know that it is dead, remove {lock.url}"
    )


def describe_takeover(lock: FoundLock) -> str:
    """Describe the takeover of a stale lock, as a warning."""
    if lock.holder is None:
        return f"removed a stale lock file that cannot be read: {lock.url}"
    state = "has died" if lock.is_process_gone else "is presumed dead"
    return f"took over the stale lock of {lock.holder}, which {state}"
