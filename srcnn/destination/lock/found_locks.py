"""The locks of a destination, as a newcomer finds them."""

from __future__ import annotations

from dataclasses import dataclass

from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.owner import Holder


@dataclass(frozen=True)
class FoundLock:
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
        """Whether its process ran on this machine and has ended."""
        return self.holder is not None and self.holder.is_process_gone

    def is_of(self, run_id: str) -> bool:
        """Whether it is the lock of a run."""
        return self.holder is not None and self.holder.run_id == run_id

    def is_expired(self, expires_seconds: float) -> bool:
        """Whether the lock is past its expiry, by the clocks."""
        age, expiry = self._measure_age(expires_seconds)
        return age > expiry

    def is_from_future(self, expires_seconds: float) -> bool:
        """Whether its last heartbeat is later than the clocks of a live run can explain."""
        age, expiry = self._measure_age(expires_seconds)
        return age < -expiry

    def _measure_age(self, expires_seconds: float) -> tuple[float, float]:
        if self.holder is None:
            return self.age_seconds, expires_seconds
        return self.holder.seconds_since_refresh, self.holder.expires_seconds


def find_locks(files: LockFiles) -> dict[int, FoundLock]:
    """Read the lock files of a destination, by number.

    Args:
        files: of the destination.

    Raises:
        OSError: they could not be listed or read.
    """
    locks = {}
    for number in files.numbers():
        content = files.read(number)
        if content is None:
            continue
        try:
            holder, age = Holder.parse(content), 0.0
        except ValueError:
            holder, age = None, files.age_seconds(number)
        locks[number] = FoundLock(files.get_url(number), content, holder, age)
    return locks
