"""A held lock: refreshed by a heartbeat, checked, used to pass a state on, and released.

See `srcnn.destination.lock.acquire` for the protocol, and for how a lock is acquired.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from srcnn.destination.lock.lock_files import LockFiles, get_key
from srcnn.destination.lock.owner import Holder, HolderState, show_name

_HEARTBEATS_PER_EXPIRY = 4
_TICKS_PER_HEARTBEAT = 4


class Lease:
    """A destination that this process holds.

    Attributes:
        key: of its lock file in the destination.
        lost: set when another run took the destination over, or when that cannot be ruled out.
        reason: why it was lost, as a message for the user; empty until then.
        warnings: messages for the user about how it was acquired.
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
        """Manage a lock file that this run has created.

        Args:
            files: of the destination.
            number: of our file.
            holder: this run.
            warnings: about how it was acquired.
            on_lost: called once, from a thread, with the reason.
        """
        self.key = get_key(number)
        self.lost = threading.Event()
        self.reason = ""
        self.warnings = warnings
        self._files, self._number, self._holder = files, number, holder
        self._on_lost = on_lost
        self._interval = holder.expires_seconds / _HEARTBEATS_PER_EXPIRY
        self._write_lock = threading.Lock()
        self._lost_lock = threading.Lock()
        self._ended = threading.Event()
        self._ticks = self._refreshed_tick = 0
        self._last_error = ""
        # Two threads: a heartbeat may hang in the storage, and the watchdog must not.
        self._threads = [
            threading.Thread(target=loop, name=name, daemon=True)
            for name, loop in (
                ("lock heartbeat", self._run_heartbeat),
                ("lock watchdog", self._run_watchdog),
            )
        ]

    def start(self) -> None:
        """Start the heartbeat."""
        for thread in self._threads:
            thread.start()

    def publish_state(self, state: HolderState) -> None:
        """Write a state into the lock file now, where workers on other machines read it.

        Does nothing once the lock is lost or released.

        Raises:
            OSError: it could not be written; the next heartbeat writes it too.
        """
        with self._write_lock:
            self._holder = self._holder.refresh(state)
            # Once released, the destination may be another run's: it must get no file of ours.
            if not self._ended.is_set() and self._check_ownership():
                self._files.write(self._number, self._holder.to_json())

    def release(self) -> None:
        """Stop the heartbeat, and remove our file.

        Raises:
            OSError: it could not be removed; the destination is free once it has expired.
        """
        self._ended.set()
        with self._write_lock:
            found = self._files.read(self._number)
            if found is not None and Holder.read_run_id(found) == self._holder.run_id:
                self._files.remove([self._number])

    def _run_heartbeat(self) -> None:
        while not self._ended.wait(self._interval) and not self.lost.is_set():
            try:
                self._refresh()
            # Any error of the storage: the next heartbeat may succeed, or the watchdog gives up.
            except Exception as error:  # noqa: BLE001
                self._last_error = f": {error}"

    def _refresh(self) -> None:
        with self._write_lock:
            if self._ended.is_set() or not self._check_ownership():
                return
            start_tick = self._ticks
            self._holder = self._holder.refresh(self._holder.state)
            self._files.write(self._number, self._holder.to_json())
            if self._check_ownership():
                self._refreshed_tick = start_tick

    def _check_ownership(self) -> bool:
        """Whether the lock is still ours; if it is not, it is declared lost."""
        newest = self._files.find_newest()
        number, run_id = (newest[0], newest[1].run_id) if newest else (0, "")
        if number > self._number:
            self._lose(f"run {show_name(run_id)} took over the destination")
        elif number == self._number and run_id != self._holder.run_id:
            self._lose(f"run {show_name(run_id)} now holds the lock")
        # A file of ours that cannot be parsed was damaged by nobody who holds the lock.
        elif number < self._number and self._files.read(self._number) is None:
            self._lose(f"its lock file {self._files.get_url(self._number)} was removed")
        return not self.lost.is_set()

    def _run_watchdog(self) -> None:
        # Counts its own ticks, not the clock: while a process is suspended no ticks pass, and
        # its next heartbeat checks the lock before anything else.
        while (
            not self._ended.wait(self._interval / _TICKS_PER_HEARTBEAT) and not self.lost.is_set()
        ):
            self._ticks += 1
            if self._ticks - self._refreshed_tick > _HEARTBEATS_PER_EXPIRY * _TICKS_PER_HEARTBEAT:
                self._lose(
                    f"its lock could not be refreshed for {self._holder.expires_seconds:g} s"
                    f"{self._last_error}"
                )

    def _lose(self, reason: str) -> None:
        with self._lost_lock:
            if self.lost.is_set() or self._ended.is_set():
                return
            self.reason = reason
            self.lost.set()
        if self._on_lost:
            self._on_lost(reason)
