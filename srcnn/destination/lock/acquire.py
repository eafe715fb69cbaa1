"""One run at a time on a destination, on any storage, without a server of its own.

Lock files are `<dst>/.srcnn/lock/<n>.json` (see `Holder`); the highest number counts.

- Taking: a run goes on when every lock file there is is dead. It creates n+1, where there must
  be no such file yet, and then looks again: a file that it has not found dead before, or one
  that has changed since, makes it withdraw its own. Only then does it remove the dead ones.
  Numbers start anew after a release, so that the look afterwards is needed: a run that was
  slow between its look and its file could otherwise join one that came in between.
- Dead is a run of this machine whose process is gone; or one that has been silent for longer
  than it says it may be, and goes on being so for two of its beats under our eyes: by the
  clocks alone, a machine whose clock is late would always be dead.
- Holding: a thread looks, writes a sign of life, and looks again, four times in that period. A
  higher number, or its own file gone or someone else's, means that the lock is lost. So does a
  period without a sign of life that was written, whatever the reason. Whoever comes looks
  after it wrote, and so does the holder: of two that meet, one sees the other.
- A server may ignore the condition of a conditional write. So the file is created twice: where
  the second one passes too, a pause and a look at what is there decide.

Nothing here can stop a write that is already on its way when the lock is lost. Outputs are
written whole, and alike by any run: the lock keeps runs from wasted work and mixed options,
not from damage.
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
_ATTEMPTS = 20  # each but the last was spoilt by another run that came and went
_WATCHED_SHARE = 0.5  # of the time to expiry: two beats
_LOOKS_PER_EXPIRY = 20
# Longer than any writer takes from its look to its file.
_UNCONDITIONAL_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class _Lock:
    """A lock file as found.

    Attributes:
        url: of the file.
        content: of the file.
        holder: what it says; None where it cannot be read.
        age_seconds: since it was written; known where there is no holder.
    """

    url: str
    content: bytes
    holder: Holder | None
    age_seconds: float

    @property
    def has_ended(self) -> bool:
        return self.holder is not None and self.holder.has_ended

    def is_silent(self, expires_seconds: float) -> bool:
        if self.holder is None:
            return self.age_seconds > expires_seconds
        return self.holder.silent_seconds > self.holder.expires_seconds


@contextmanager
def hold(
    dst: Folder,
    run_id: str,
    expires_seconds: float = EXPIRES_SECONDS,
    on_lost: Callable[[str], None] | None = None,
) -> Iterator[Lease]:
    """Hold a destination for one run.

    Taking over from a dead run of another machine takes half the time in which it expires.

    Args:
        dst: the destination; its folder is made, and removed again where nothing came into it.
        run_id: of this run.
        expires_seconds: of silence, after which others may take the destination.
        on_lost: called once, from a thread, with the reason, when the lock is lost.

    Raises:
        DestinationBusyError: another run holds it.
        UsageError: it is a file.
        OSError: the destination cannot be read or written.
    """
    missing = _missing_folders(dst)
    files = LockFiles(dst)
    try:
        lease = _take(files, run_id, expires_seconds, on_lost)
        lease.start()
        try:
            yield lease
        finally:
            # What cannot be removed expires; it must not hide how the run ended.
            with suppress(OSError):
                lease.release()
    finally:
        _remove_empty(missing)


def _take(
    files: LockFiles,
    run_id: str,
    expires_seconds: float,
    on_lost: Callable[[str], None] | None,
) -> Lease:
    for _ in range(_ATTEMPTS):
        found = _found(files)
        _refuse_living(found, expires_seconds)
        _refuse_waking(files, found, expires_seconds)
        number, me = max(found, default=0) + 1, Holder.me(run_id, expires_seconds)
        if not _create(files, number, me):
            continue
        if _is_alone(files, number, found):
            files.remove(found)
            warnings = [_taken_over(lock) for lock in found.values()]
            return Lease(files, number, me, warnings=warnings, on_lost=on_lost)
        # Two that met and both withdrew: not at the same time again.
        time.sleep(random.uniform(0, expires_seconds / _LOOKS_PER_EXPIRY))  # noqa: S311 - no secret
    raise DestinationBusyError(
        f"the destination is taken and freed too fast to be held ({files.url_of(1)}): "
        "start one run at a time"
    )


def _found(files: LockFiles) -> dict[int, _Lock]:
    locks = {}
    for number in files.numbers():
        content = files.read(number)
        if content is None:
            continue
        try:
            holder, age = Holder.parse(content), 0.0
        except ValueError:
            holder, age = None, files.age_seconds(number)
        locks[number] = _Lock(files.url_of(number), content, holder, age)
    return locks


def _refuse_living(found: Mapping[int, _Lock], expires_seconds: float) -> None:
    for lock in found.values():
        if not lock.has_ended and not lock.is_silent(expires_seconds):
            raise _busy(lock, expires_seconds)


def _refuse_waking(files: LockFiles, found: Mapping[int, _Lock], expires_seconds: float) -> None:
    """Watch the files that only the clocks call dead."""
    silent = {number: lock for number, lock in found.items() if not lock.has_ended}
    if not silent:
        return
    longest = max(
        lock.holder.expires_seconds if lock.holder else expires_seconds for lock in silent.values()
    )
    until = time.monotonic() + longest * _WATCHED_SHARE
    while time.monotonic() < until:
        time.sleep(longest / _LOOKS_PER_EXPIRY)
        for number, lock in silent.items():
            content = files.read(number)
            if content is None:
                return
            if content != lock.content:
                raise _busy(_found(files).get(number, lock), expires_seconds)


def _create(files: LockFiles, number: int, me: Holder) -> bool:
    content = me.to_json()
    try:
        if not files.create(number, content):
            return False
        # Other bytes of the same meaning: the same ones would pass for a request sent twice.
        if files.create(number, content + b"\n"):
            time.sleep(_UNCONDITIONAL_PAUSE_SECONDS)
    except FileNotFoundError:  # a run that ended removed the empty folder under our feet
        return False
    return files.read(number) in (content, content + b"\n")


def _is_alone(files: LockFiles, number: int, dead: Mapping[int, _Lock]) -> bool:
    """Look again, now that whoever comes can see us; withdraw where somebody came before."""
    others = {key: lock for key, lock in _found(files).items() if key != number}
    if all(key in dead and dead[key].content == lock.content for key, lock in others.items()):
        return True
    files.remove([number])
    return False


def _busy(lock: _Lock, expires_seconds: float) -> DestinationBusyError:
    if lock.holder is None:
        return DestinationBusyError(
            f"the destination seems to be in use: its lock file {lock.url} cannot be read. It was "
            f"written {lock.age_seconds:.0f} s ago, and counts for {expires_seconds:g} s: wait so "
            "long, or remove it if no run is at work"
        )
    return DestinationBusyError(
        f"the destination is in use by {lock.holder}: wait for that run to end, or stop it. A run "
        f"that died frees the destination {lock.holder.expires_seconds:g} s after its last sign "
        f"of life; if you know that it is dead, remove {lock.url}"
    )


def _taken_over(lock: _Lock) -> str:
    if lock.holder is None:
        return f"{lock.url}: a lock file that could not be read; it is old, and was removed"
    return f"took the destination over from {lock.holder}, which has died"


def _missing_folders(dst: Folder) -> list[Path]:
    """What is not there yet of the lock's folder, the destination and its parents."""
    path = dst.local_path
    if path is None:
        return []
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir():
        raise UsageError(f"the destination {dst.url}: {nearest} is a file: give --dst a folder")
    lock = path / LOCK_FOLDER
    above = [folder for folder in (path, *path.parents) if not folder.exists()]
    return [lock, lock.parent, *above]


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders, as far as nothing is in them."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
