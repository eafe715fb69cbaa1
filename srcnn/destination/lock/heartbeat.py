"""A held lock: kept alive, told from, looked at, given back. See `srcnn.destination.lock`.

Knows nothing of how a lock is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.owner import Holder, HolderState

_BEATS_PER_EXPIRY = 4
_GUARDS_PER_BEAT = 4


class Lease:
    """A destination that this process holds.

    Attributes:
        lost: set when another run took the destination, or it cannot be known any more.
        reason: why it was lost, for people; empty before.
        warnings: what people should know of how it was taken.
    """

    def __init__(
        self,
        files: LockFiles,
        number: int,
        holder: Holder,
        *,
        warnings: list[str],
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        """Take over a lock file that is there.

        Args:
            files: of the destination.
            number: of our file.
            holder: this run.
            warnings: of how it was taken.
            on_lost: called once, from a thread, with the reason.
        """
        self.lost = threading.Event()
        self.reason = ""
        self.warnings = warnings
        self._files, self._number, self._holder = files, number, holder
        self._on_lost = on_lost
        self._interval = holder.expires_seconds / _BEATS_PER_EXPIRY
        self._writing = threading.Lock()
        self._losing = threading.Lock()
        self._ended = threading.Event()
        self._ticks = self._alive_tick = 0
        self._trouble = ""
        # Two threads: a beat may hang in the storage, and the guard must not.
        self._threads = [
            threading.Thread(target=loop, name=name, daemon=True)
            for name, loop in (("lock beats", self._beat), ("lock guard", self._guard))
        ]

    def start(self) -> None:
        """Begin to give signs of life."""
        for thread in self._threads:
            thread.start()

    def tell(self, state: HolderState) -> None:
        """Tell the workers, wherever they are, at once.

        Raises:
            OSError: it could not be written; the next sign of life tells it too.
        """
        with self._writing:
            self._holder = self._holder.alive_now(state)
            if self._still_ours():
                self._files.write(self._number, self._holder.to_json())

    def release(self) -> None:
        """Stop the signs of life, and remove our file.

        Raises:
            OSError: it could not be removed; it frees the destination when it expires.
        """
        self._ended.set()
        with self._writing:
            found = self._files.read(self._number)
            if found is not None and Holder.run_of(found) == self._holder.run_id:
                self._files.remove([self._number])

    def _beat(self) -> None:
        while not self._ended.wait(self._interval) and not self.lost.is_set():
            try:
                self._give_sign()
            # Whatever the storage says: the next beat may come through, or the guard ends it.
            except Exception as error:  # noqa: BLE001
                self._trouble = f": {error}"

    def _give_sign(self) -> None:
        with self._writing:
            if self._ended.is_set() or not self._still_ours():
                return
            began = self._ticks
            self._holder = self._holder.alive_now(self._holder.state)
            self._files.write(self._number, self._holder.to_json())
            if self._still_ours():
                self._alive_tick = began

    def _still_ours(self) -> bool:
        """Look; a lock that is lost is told."""
        numbers = self._files.numbers()
        own = self._files.read(self._number) if self._number in numbers else None
        if numbers and numbers[-1] > self._number:
            self._lose(f"{_who(self._files.read(numbers[-1]))} took the destination over")
        elif own is None:
            self._lose(f"its lock file {self._files.url_of(self._number)} was removed")
        elif Holder.run_of(own) != self._holder.run_id:
            self._lose(f"{_who(own)} holds the destination now")
        return not self.lost.is_set()

    def _guard(self) -> None:
        # Counts its own steps: a process that was suspended has not been silent, it was away,
        # and its next beat looks before anything else.
        while not self._ended.wait(self._interval / _GUARDS_PER_BEAT) and not self.lost.is_set():
            self._ticks += 1
            if self._ticks - self._alive_tick > _BEATS_PER_EXPIRY * _GUARDS_PER_BEAT:
                self._lose(
                    f"no sign of life could be written for {self._holder.expires_seconds:g} s"
                    f"{self._trouble}"
                )

    def _lose(self, reason: str) -> None:
        with self._losing:
            if self.lost.is_set() or self._ended.is_set():
                return
            self.reason = reason
            self.lost.set()
        if self._on_lost:
            self._on_lost(reason)


def _who(content: bytes | None) -> str:
    run_id = Holder.run_of(content) if content else None
    return f"run {run_id}" if run_id else "another run"
