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
- A server may ignore the condition of a conditional write. So the file is created twice: if the
  second attempt succeeds as well, a pause and another check decide.

Nothing here can stop a write that has already been sent when the lock is lost. Every run writes
outputs atomically and with the same bytes: the lock prevents wasted work and mixed options, not
damaged files.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from srcnn.destination.lock.heartbeat import Lease
from srcnn.destination.lock.lock_files import LOCK_FOLDER, LockFiles
from srcnn.destination.lock.owner import Holder
from srcnn.errors import DestinationBusyError, UsageError
from srcnn.storage.folder import Folder

EXPIRES_SECONDS = 120.0
_ATTEMPTS = 20  # each attempt but the last failed because another run came and went
_WATCHED_SHARE = 0.5  # of the expiry: two heartbeats
_CHECKS_PER_EXPIRY = 20
# Longer than any writer takes from its check to its file.
_UNCONDITIONAL_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class _FoundLock:
    """A lock file in the destination.

    Attributes:
        url: of the file.
        content: of the file.
        holder: parsed from the content; None if it cannot be parsed.
        age_seconds: since the file was written; set only if there is no holder.
    """

    url: str
    content: bytes
    holder: Holder | None
    age_seconds: float

    @property
    def is_process_gone(self) -> bool:
        return self.holder is not None and self.holder.is_process_gone

    def is_expired(self, expires_seconds: float) -> bool:
        """Whether the lock is past its expiry, by the clocks."""
        if self.holder is None:
            return self.age_seconds > expires_seconds
        return self.holder.seconds_since_refresh > self.holder.expires_seconds


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
    missing = _find_missing_folders(destination)
    files = LockFiles(destination)
    try:
        lease = _acquire(files, run_id, expires_seconds, on_lost)
        lease.start()
        try:
            yield lease
        finally:
            # A lock that cannot be removed expires; the error must not hide how the run ended.
            with suppress(OSError):
                lease.release()
    finally:
        _remove_empty(missing)


def _acquire(
    files: LockFiles,
    run_id: str,
    expires_seconds: float,
    on_lost: Callable[[str], None] | None,
) -> Lease:
    for _ in range(_ATTEMPTS):
        found = _find_locks(files)
        _refuse_live(found, expires_seconds)
        _refuse_refreshed(files, found, expires_seconds)
        number = max(found, default=0) + 1
        holder = Holder.for_this_process(run_id, expires_seconds)
        if not _create(files, number, holder):
            continue
        if _is_alone(files, number, found):
            files.remove(found)
            warnings = [_describe_takeover(lock) for lock in found.values()]
            return Lease(files, number, holder, warnings=warnings, on_lost=on_lost)
        # Two runs that met have both withdrawn: they must not retry at the same moment.
        time.sleep(random.uniform(0, expires_seconds / _CHECKS_PER_EXPIRY))  # noqa: S311 - no secret
    raise DestinationBusyError(
        f"could not lock the destination in {_ATTEMPTS} attempts: other runs keep locking and "
        f"unlocking it ({files.get_url(1)}): start one run at a time"
    )


def _find_locks(files: LockFiles) -> dict[int, _FoundLock]:
    locks = {}
    for number in files.numbers():
        content = files.read(number)
        if content is None:
            continue
        try:
            holder, age = Holder.parse(content), 0.0
        except ValueError:
            holder, age = None, files.age_seconds(number)
        locks[number] = _FoundLock(files.get_url(number), content, holder, age)
    return locks


def _refuse_live(found: Mapping[int, _FoundLock], expires_seconds: float) -> None:
    for lock in found.values():
        if not lock.is_process_gone and not lock.is_expired(expires_seconds):
            raise _build_busy_error(lock, expires_seconds)


def _refuse_refreshed(
    files: LockFiles, found: Mapping[int, _FoundLock], expires_seconds: float
) -> None:
    """Watch the locks that are stale by the clocks alone, in case one is refreshed."""
    expired = {number: lock for number, lock in found.items() if not lock.is_process_gone}
    if not expired:
        return
    longest = max(
        lock.holder.expires_seconds if lock.holder else expires_seconds for lock in expired.values()
    )
    until = time.monotonic() + longest * _WATCHED_SHARE
    while time.monotonic() < until:
        time.sleep(longest / _CHECKS_PER_EXPIRY)
        for number, lock in expired.items():
            content = files.read(number)
            if content is None:
                return
            if content != lock.content:
                raise _build_busy_error(_find_locks(files).get(number, lock), expires_seconds)


def _create(files: LockFiles, number: int, holder: Holder) -> bool:
    content = holder.to_json()
    try:
        if not files.create(number, content):
            return False
        # Different bytes of the same meaning: the same bytes would look like a repeated request.
        if files.create(number, content + b"\n"):
            time.sleep(_UNCONDITIONAL_PAUSE_SECONDS)
    except FileNotFoundError:  # a run that just ended removed the empty folder
        return False
    return files.read(number) in (content, content + b"\n")


def _is_alone(files: LockFiles, number: int, stale: Mapping[int, _FoundLock]) -> bool:
    """Check again, now that newcomers can see our file; withdraw it if another run was first."""
    others = {key: lock for key, lock in _find_locks(files).items() if key != number}
    if all(key in stale and stale[key].content == lock.content for key, lock in others.items()):
        return True
    files.remove([number])
    return False


def _build_busy_error(lock: _FoundLock, expires_seconds: float) -> DestinationBusyError:
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


def _describe_takeover(lock: _FoundLock) -> str:
    if lock.holder is None:
        return f"removed a stale lock file that cannot be read: {lock.url}"
    state = "has died" if lock.is_process_gone else "is presumed dead"
    return f"took over the stale lock of {lock.holder}, which {state}"


def _find_missing_folders(destination: Folder) -> list[Path]:
    """Those of the lock folder, the destination and its parents that do not exist yet."""
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


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders in order, up to the first that is not empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
