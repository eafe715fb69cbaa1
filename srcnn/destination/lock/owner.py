"""Who holds a destination: what a lock file says, and whether that run still lives.

The clocks of two machines differ, and so do their tables of processes: a process is only
looked for where its number means something.
"""

from __future__ import annotations

import json
import math
import os
import socket
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil
from pydantic import TypeAdapter

HolderState = Literal["running", "stopping", "dropping"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")
_START_TOLERANCE_SECONDS = 2.0  # the time of booting is told to the second


@dataclass(frozen=True)
class Holder:
    """A run that holds a destination, as its lock file says.

    Attributes:
        run_id: of the run.
        host: name of its machine, for people.
        process_table: which table `pid` belongs to; containers of one machine have their own.
        pid: its process.
        started_seconds: from the machine's start to the process's.
        since: when the run took the destination, UTC, ISO 8601.
        beat: its last sign of life, likewise.
        expires_seconds: of silence, after which it counts as dead.
        state: what it told the workers to do.
    """

    run_id: str
    host: str
    process_table: str
    pid: int
    started_seconds: float
    since: str
    beat: str
    expires_seconds: float
    state: HolderState = "running"

    @classmethod
    def me(cls, run_id: str, expires_seconds: float) -> Holder:
        """This process, from now on."""
        now, pid = _now(), os.getpid()
        return cls(
            run_id=run_id,
            host=socket.gethostname(),
            process_table=_process_table(),
            pid=pid,
            started_seconds=_started_seconds(pid),
            since=now,
            beat=now,
            expires_seconds=expires_seconds,
        )

    @classmethod
    def parse(cls, content: bytes) -> Holder:
        """What a lock file says.

        Raises:
            ValueError: it is none.
        """
        holder = _HOLDERS.validate_json(content)
        if not (_time(holder.since).tzinfo and _time(holder.beat).tzinfo):
            raise ValueError("its times name no time zone")
        if holder.pid < 1 or not 0 < holder.expires_seconds < math.inf:
            raise ValueError("its process or its expiry is none")
        return holder

    @classmethod
    def run_of(cls, content: bytes) -> str | None:
        """The run that wrote a lock file; None where it cannot be read."""
        try:
            return cls.parse(content).run_id
        except ValueError:
            return None

    def to_json(self) -> bytes:
        """The lock file's content."""
        return json.dumps(asdict(self), indent=1).encode()

    def alive_now(self, state: HolderState) -> Holder:
        """The same with a sign of life."""
        return replace(self, beat=_now(), state=state)

    @property
    def silent_seconds(self) -> float:
        """Since its last sign of life, as far as the two clocks agree."""
        return (datetime.now(UTC) - _time(self.beat)).total_seconds()

    @property
    def has_ended(self) -> bool:
        """Whether its process is known to be gone; False where that cannot be known from here."""
        if self.process_table != _process_table():
            return False
        try:
            started = _started_seconds(self.pid)
            if psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False
        return abs(started - self.started_seconds) > _START_TOLERANCE_SECONDS

    def __str__(self) -> str:
        """The run, its machine and process, and when it was seen, for people."""
        since, beat = _time(self.since), _time(self.beat)
        return (
            f"run {self.run_id} (host {self.host}, process {self.pid}) since "
            f"{since:%Y-%m-%d %H:%M:%S} UTC, with its last sign of life "
            f"{max(self.silent_seconds, 0):.0f} s ago ({beat:%H:%M:%S} UTC)"
        )


_HOLDERS = TypeAdapter(Holder)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _process_table() -> str:
    """One name for each table of processes: no two machines, boots or containers share it."""
    try:
        boot, namespace = _BOOT_ID.read_text().strip(), _PROCESS_NAMESPACE.stat().st_ino
    except OSError:  # no Linux
        return f"{socket.gethostname()} since {psutil.boot_time():.0f}"
    return f"{boot}/{namespace}"


def _started_seconds(pid: int) -> float:
    # Both are told by the clock, which may be set in between: their difference stays.
    return float(psutil.Process(pid).create_time() - psutil.boot_time())
