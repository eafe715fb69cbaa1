"""Record outputs in the ledger while they are being written, so that a kill costs seconds."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from srcnn.destination import ledger
from srcnn.destination.records import Record
from srcnn.errors import SrcnnError
from srcnn.storage.folder import Folder

INTERVAL_SECONDS = 5.0
# A file is written again as it grows: this bounds what is written over and over.
_RECORDS_PER_FILE = 2000


class Recorder:
    """Records the outputs of one shard; a context manager, which records the rest at its end.

    The shard has one file in the ledger. A thread replaces it with a longer one every few seconds,
    if there is anything new: one request on a bucket. No output is on record before the folder that
    names it is on the disk.

    Attributes:
        unrecorded: why the last records could not be written; None before, and if they were.
    """

    def __init__(self, destination: Folder, run_id: str) -> None:
        """Start nothing yet.

        Args:
            destination: the destination.
            run_id: of the run.
        """
        self.unrecorded: str | None = None
        self._destination, self._run_id = destination, run_id
        self._written: list[Record] = []  # in the present file
        self._waiting: list[Record] = []
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-outputs", daemon=True)

    def add(self, record: Record) -> None:
        """Take the record of an output that has been written, from any thread."""
        with self._lock:
            self._waiting.append(record)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop the thread, and record the rest, also after an error."""
        self._done.set()
        self._thread.join()
        try:
            self._flush()
        except OSError as failure:
            self.unrecorded = f"{type(failure).__name__}: {failure}"

    def _run(self) -> None:
        while not self._done.wait(INTERVAL_SECONDS):
            with suppress(OSError, SrcnnError):  # the next attempt, or the last one, may succeed
                self._flush()

    def _flush(self) -> None:
        """Write what is waiting; called by one thread at a time."""
        while True:
            with self._lock:
                new = self._waiting[: _RECORDS_PER_FILE - len(self._written)]
            if not new:
                return
            self._destination.sync_folders(record.output for record in new)
            ledger.append(self._destination, self._run_id, [*self._written, *new])
            with self._lock:
                del self._waiting[: len(new)]
            self._written += new
            if len(self._written) >= _RECORDS_PER_FILE:
                self._written = []
