"""One run at a time on a destination, on any storage, without a lock server.

Lock files are `<dst>/.srcnn/lock/<n>.json` (see `Holder`); the highest number counts.

- Acquiring: a run proceeds only if every existing lock file is stale. It creates number n+1,
  which must not exist yet, and then lists the lock files again. If it finds one that it did not
  see before, or one that changed since, it withdraws its own file. Only then does it remove the
  stale ones. Numbers restart at 1 after a release, so this second check is needed: otherwise a
  run that was slow between its first check and its file could join a run that came in between.
- Stale: the lock's process ran on this machine and is gone; or the lock has not been refreshed
  for longer than its expiry, and stays unchanged while we watch it for two heartbeats. The clocks
  alone are not enough: a machine whose clock is behind would always look stale.
- Holding: a heartbeat thread checks the lock files, refreshes its own, and checks again, four
  times per expiry. The lock is lost if there is a higher number, if its own file is gone or
  belongs to another run, or if no refresh succeeded for a whole expiry, whatever the reason.
  A newcomer checks after it wrote, and so does the holder: of two that meet, one sees the other.
- A server may refuse the condition of a conditional write, or ignore it. So the file is created
  twice: if the second attempt succeeds as well, conditions mean nothing there. Then no two runs
  write the same file: each adds a random step to its number, waits for others that are between
  their check and their file, and lists again. Of two that meet, at least one sees the other.

Nothing here can stop a write that has already been sent when the lock is lost. Every run writes
outputs atomically and with the same bytes: the lock prevents wasted work and mixed options, not
damaged files.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from srcnn.destination.lock.conditional_write import NoConditionsError, create_lock
from srcnn.destination.lock.empty_folders import find_missing_folders, remove_empty
from srcnn.destination.lock.found_locks import FoundLock, find_locks
from srcnn.destination.lock.heartbeat import Lease
from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.lock_messages import describe_takeover
from srcnn.destination.lock.owner import Holder
from srcnn.destination.lock.stale_locks import CHECKS_PER_EXPIRY, refuse_live, refuse_refreshed
from srcnn.destination.lock.unconditional_write import write_unconditionally
from srcnn.errors import DestinationBusyError
from srcnn.storage.folder import Folder

EXPIRES_SECONDS = 120.0
_ATTEMPTS = 20  # each attempt but the last failed because another run came and went
_NUMBERS_END = 10**17  # no run comes near; names have up to 18 digits


@contextmanager
def hold(
    destination: Folder,
    run_id: str,
    expires_seconds: float = EXPIRES_SECONDS,
    on_lost: Callable[[str], None] | None = None,
) -> Iterator[Lease]:
    """Hold a destination for one run.

    Taking over the stale lock of another machine takes half of that lock's expiry.

    Args:
        destination: the destination; its folder is created, and removed again if it stays empty.
        run_id: of this run.
        expires_seconds: without a refresh, after which other runs may take the destination over.
        on_lost: called once, from a thread, with the reason, when the lock is lost.

    Raises:
        DestinationBusyError: another run holds it.
        UsageError: it is a file.
        OSError: the destination cannot be read or written.
    """
    missing = find_missing_folders(destination)
    files = LockFiles(destination)
    try:
        with _withdrawn_on_signal(files, run_id, destination):
            lease = _acquire(files, run_id, expires_seconds, on_lost)
        lease.start()
        try:
            yield lease
        finally:
            # A lock that cannot be removed expires; the error must not hide how the run ended.
            with suppress(OSError):
                lease.release()
    finally:
        remove_empty(missing)


@contextmanager
def _withdrawn_on_signal(files: LockFiles, run_id: str, destination: Folder) -> Iterator[None]:
    """Remove our file if a signal comes after it was written and before it is a lease.

    On servers it is left to expire: a call could take as long as the one that was interrupted.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException:
        if destination.local_path is not None:
            with suppress(OSError):
                found = find_locks(files).items()
                files.remove([number for number, lock in found if lock.is_of(run_id)])
        raise


def _acquire(
    files: LockFiles,
    run_id: str,
    expires_seconds: float,
    on_lost: Callable[[str], None] | None,
) -> Lease:
    unconditional: list[str] = []  # why, for the user
    for _ in range(_ATTEMPTS):
        found = find_locks(files)
        refuse_live(found, expires_seconds)
        refuse_refreshed(files, found, expires_seconds)
        absurd = [number for number in found if number >= _NUMBERS_END]
        if absurd:  # stale, and nobody could count on from them
            files.remove(absurd)
            continue
        holder = Holder.for_this_process(run_id, expires_seconds)
        number = _claim(files, max(found, default=0) + 1, holder, unconditional)
        if number is None:
            continue
        if _is_alone(files, number, found):
            files.remove(found)
            warnings = unconditional + [describe_takeover(lock) for lock in found.values()]
            return Lease(files, number, holder, warnings=warnings, on_lost=on_lost)
        # Two runs that met have both withdrawn: they must not retry at the same moment.
        time.sleep(random.uniform(0, expires_seconds / CHECKS_PER_EXPIRY))  # noqa: S311 - no secret
    raise DestinationBusyError(
        f"could not lock the destination in {_ATTEMPTS} attempts: other runs keep locking and "
        f"unlocking it ({files.get_url(1)}): start one run at a time"
    )


def _claim(files: LockFiles, number: int, holder: Holder, unconditional: list[str]) -> int | None:
    """Write our file; return its number, or None if another run was first.

    Args:
        files: of the destination.
        number: the next one.
        holder: this run.
        unconditional: why to do without conditions, once that is known; appended to.
    """
    if not unconditional:
        try:
            return number if create_lock(files, number, holder) else None
        except NoConditionsError as error:
            unconditional.append(str(error))
    return write_unconditionally(files, number, holder)


def _is_alone(files: LockFiles, number: int, stale: Mapping[int, FoundLock]) -> bool:
    """Check again, now that newcomers can see our file; withdraw it if another run was first."""
    others = {key: lock for key, lock in find_locks(files).items() if key != number}
    if all(key in stale and stale[key].content == lock.content for key, lock in others.items()):
        return True
    files.remove([number])
    return False
