"""Who holds a destination: the content of a lock file, and whether its process is still alive.

Clocks and process ids are local to a machine: a process is looked up only if its id belongs to
the process table that this process sees.
"""

from __future__ import annotations

import json
import math
import os
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import psutil
from pydantic import Field, TypeAdapter

from srcnn.printable_text import one_line, shorten

HolderState = Literal["running", "stopping", "dropping"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")
_LONGEST_EXPIRY_SECONDS = 86_400  # what the settings permit
_MOST_SHOWN = 80  # characters of a name that others wrote
_START_TOLERANCE_SECONDS = 2.0  # the boot time has a resolution of one second


@dataclass(frozen=True)
class Holder:
    """A run that holds a destination, as stored in its lock file.

    The aliases are the names in the file: runs of other versions read them.

    Attributes:
        run_id: of the run.
        host: name of its machine, for messages.
        process_table: identifies the machine, boot and PID namespace that `pid` belongs to;
            each container of a machine has its own.
        pid: its process.
        started_seconds: from the machine's boot to the start of the process.
        acquired_at: when the run acquired the lock, UTC, ISO 8601.
        refreshed_at: its last heartbeat, UTC, ISO 8601.
        expires_seconds: without a refresh, after which the lock is stale.
        state: what workers on other machines must do.
    """

    run_id: str
    host: str
    process_table: str
    pid: int
    started_seconds: float
    acquired_at: Annotated[str, Field(alias="since")]
    refreshed_at: Annotated[str, Field(alias="beat")]
    expires_seconds: float
    state: HolderState = "running"

    @classmethod
    def for_this_process(cls, run_id: str, expires_seconds: float) -> Holder:
        """Describe this process, as of now."""
        now, pid = _format_now(), os.getpid()
        return cls(
            run_id=run_id,
            host=socket.gethostname(),
            process_table=_identify_process_table(),
            pid=pid,
            started_seconds=_read_start_seconds(pid),
            acquired_at=now,
            refreshed_at=now,
            expires_seconds=expires_seconds,
        )

    @classmethod
    def parse(cls, content: bytes) -> Holder:
        """Parse the content of a lock file.

        Raises:
            ValueError: it is not a valid lock file.
        """
        holder = _HOLDERS.validate_json(content)
        for text in (holder.acquired_at, holder.refreshed_at):
            if not _parse_time(text).tzinfo:
                raise ValueError("the times of the lock file have no time zone")
        in_range = (
            holder.pid > 0
            and 0 < holder.expires_seconds <= _LONGEST_EXPIRY_SECONDS
            and math.isfinite(holder.started_seconds)
        )
        if not in_range:
            raise ValueError("the process or the expiry of the lock file is out of range")
        return holder

    @classmethod
    def read_run_id(cls, content: bytes) -> str | None:
        """Return the run that wrote a lock file; None if it cannot be parsed."""
        try:
            return cls.parse(content).run_id
        except ValueError:
            return None

    def to_json(self) -> bytes:
        """Return the content of the lock file."""
        return json.dumps(_HOLDERS.dump_python(self, by_alias=True), indent=1).encode()

    def refresh(self, state: HolderState) -> Holder:
        """Return a copy with a heartbeat as of now, and the given state."""
        return replace(self, refreshed_at=_format_now(), state=state)

    @property
    def seconds_since_refresh(self) -> float:
        """Seconds since the last heartbeat, as far as the two clocks agree."""
        return (datetime.now(UTC) - _parse_time(self.refreshed_at)).total_seconds()

    @property
    def is_process_gone(self) -> bool:
        """Whether its process is known to be gone; False if that cannot be known from here."""
        if self.process_table != _identify_process_table():
            return False
        try:
            started = _read_start_seconds(self.pid)
            if psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False
        # A different start time: another process has got the same id since.
        return abs(started - self.started_seconds) > _START_TOLERANCE_SECONDS

    def __str__(self) -> str:
        """Return the run, its machine and process, and its times, for messages."""
        acquired, refreshed = _parse_time(self.acquired_at), _parse_time(self.refreshed_at)
        return (
            f"run {show_name(self.run_id)} (host {show_name(self.host)}, process {self.pid}) since "
            f"{acquired:%Y-%m-%d %H:%M:%S} UTC, last heartbeat "
            f"{max(self.seconds_since_refresh, 0):.0f} s ago ({refreshed:%H:%M:%S} UTC)"
        )


_HOLDERS = TypeAdapter(Holder)


def show_name(name: str) -> str:
    """Return a name from a lock file, which anyone may have written, fit for a message."""
    return shorten(one_line(name), _MOST_SHOWN)


def _format_now() -> str:
    return datetime.now(UTC).isoformat()


def _parse_time(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed
    except OverflowError as error:  # the first or the last day that there is
        raise ValueError("the times of the lock file are out of range") from error


def _identify_process_table() -> str:
    """Return a name that no two machines, boots or containers share."""
    try:
        boot, namespace = _BOOT_ID.read_text().strip(), _PROCESS_NAMESPACE.stat().st_ino
    except OSError:  # not Linux
        return f"{socket.gethostname()} since {psutil.boot_time():.0f}"
    return f"{boot}/{namespace}"


def _read_start_seconds(pid: int) -> float:
    # Both are clock times, and the clock may be set in between: only their difference is stable.
    return float(psutil.Process(pid).create_time() - psutil.boot_time())
