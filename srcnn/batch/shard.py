"""Where a shard's images are made: each by a thread that reads, has it computed, and writes.

Many are on their way at a time, so that reading, computing and writing overlap; the rooms of the
workshop bound what they hold. The one place where an image's failure is caught, so that it
never stops the others.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed, wait
from dataclasses import replace
from functools import partial
from typing import TypeVar

from srcnn.batch.cancellation import Control
from srcnn.batch.memory_gate import Stay
from srcnn.batch.process_image import held_bytes, make
from srcnn.batch.resources import Workshop
from srcnn.destination.ledger import Record
from srcnn.errors import SourceMissingError, StorageError
from srcnn.job import Failure, Job, Outcome, Work, scale_of
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo

R = TypeVar("R")

# Not that of one file: a disk that is full, or was mounted again read-only after an error.
_NOTHING_CAN_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class _Clock:
    """The time that is spent on one image; waiting for room is not spent on it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, call: Callable[[], R]) -> R:
        started = time.monotonic()
        try:
            return call()
        finally:
            self.seconds += time.monotonic() - started


class Bench:
    """The means that one shard's images share.

    Attributes:
        records: of the images that are written.
    """

    def __init__(self, job: Job, workshop: Workshop, run: Control) -> None:
        """Open the job's folders.

        Args:
            job: what all images share.
            workshop: of this process.
            run: told of every image, and of a storage that went away.
        """
        self.records: list[Record] = []
        self._job = job
        self._workshop = workshop
        self._run = run
        self._src, self._dst = Folder(job.src, job.storage), Folder(job.dst, job.storage)

    def outcomes(self, shard: Sequence[Work]) -> Iterator[Outcome]:
        """Make the images, and tell of each as soon as it is known.

        Args:
            shard: images to make.
        """
        ways = [self._workshop.hands.submit(self._image, work) for work in shard]
        try:
            for way in as_completed(ways):
                outcome, record = way.result()
                self.records += [record] if record else []
                self._run.on_outcome(outcome)
                yield outcome
        finally:  # whatever stopped us: nothing works on when we are gone
            for way in ways:
                way.cancel()
            wait(ways)

    def _image(self, work: Work) -> tuple[Outcome, Record | None]:
        clock = _Clock()
        try:
            info, notes = self._written(work, clock)
        # Whatever an image does to the libraries that read, run and write it, it fails alone.
        except Exception as error:  # noqa: BLE001 - recorded, and shown at the end
            if isinstance(error, OSError):
                self._end_if_storage_is_gone(error)
            return _outcome(work, clock.seconds, Failure.of(error)), None
        outcome = replace(_outcome(work, clock.seconds, None), notes=notes)
        return outcome, _record(self._job, work, info)

    def _written(self, work: Work, clock: _Clock) -> tuple[FileInfo, tuple[str, ...]]:
        """Take an image through the rooms: its file, its pixels, its output's file.

        Returns:
            The output's file as it lies there, and what is to be said of its colours.
        """
        run, workshop = self._run, self._workshop
        with Stay() as stay:
            stay.move(workshop.files, work.info.size)
            run.check_turn()
            data = clock.timed(partial(self._src.read, work.source))
            stay.move(workshop.pictures, held_bytes(work))
            run.check_turn()
            made = clock.timed(partial(make, self._job, workshop, work, data, run.check))
            del data
            stay.move(workshop.outputs, len(made.content))
            run.check()
            return clock.timed(partial(self._dst.write, work.output, made.content)), made.notes

    def _end_if_storage_is_gone(self, error: OSError) -> None:
        """One file that cannot be had is its image's failure; a whole folder ends the run."""
        if self._run.stop.is_set():
            return
        if error.errno in _NOTHING_CAN_BE_WRITTEN:
            self._run.end(f"{self._dst.url}: {error.strerror}", fatal=True)
            return
        try:
            self._src.probe()
            self._dst.probe()
        except (StorageError, SourceMissingError) as gone:
            self._run.end(str(gone), fatal=True)


def _outcome(work: Work, seconds: float, error: Failure | None) -> Outcome:
    return Outcome(
        source=work.source,
        output=work.output,
        status="failed" if error else "written",
        scale=scale_of(work.size_in, work.size_out),
        size_in=work.size_in,
        size_out=work.size_out,
        seconds=seconds,
        error=error,
    )


def _record(job: Job, work: Work, info: FileInfo) -> Record:
    return Record(
        output=work.output,
        source=work.source,
        source_info=work.info,
        output_info=info,
        scale=work.scale,
        options=job.options_digest(work.output),
        model=job.model_sha256,
        precision=job.precision,
        size_in=work.size_in,
        size_out=work.size_out,
    )
