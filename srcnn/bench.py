"""Where a shard's images are made: read ahead, computed one at a time, written behind.

The one place where an image's failure is caught, so that it never stops the others.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from srcnn.control import Control
from srcnn.errors import SourceMissingError, StorageError
from srcnn.ledger import Record
from srcnn.making import make
from srcnn.overlap import Bounds, Queue, read_ahead
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo
from srcnn.upscaler import Upscaler
from srcnn.work import Failure, Job, Outcome, Work, scale_of

R = TypeVar("R")

# Not that of one file: a disk that is full, or was mounted again read-only after an error.
_NOTHING_CAN_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Bench:
    """The means that one shard's images share.

    Attributes:
        records: of the images that are written.
    """

    def __init__(self, job: Job, upscaler: Upscaler, run: Control) -> None:
        """Open the job's folders.

        Args:
            job: what all images share.
            upscaler: the job's.
            run: told of every image, and of a storage that went away.
        """
        self.records: list[Record] = []
        self._job = job
        self._upscaler = upscaler
        self._run = run
        self._src, self._dst = Folder(job.src, job.storage), Folder(job.dst, job.storage)
        self._bounds = Bounds(job.transfers, job.buffer_bytes)
        self._seconds: dict[str, float] = {}
        self._notes: dict[str, tuple[str, ...]] = {}

    def outcomes(self, shard: Sequence[Work]) -> Iterator[Outcome]:
        """Make the images, and tell of each as soon as it is known.

        Args:
            shard: images to make.
        """
        threads = self._bounds.transfers
        with ThreadPoolExecutor(threads) as readers, ThreadPoolExecutor(threads) as writers:
            for outcome in self._worked(shard, readers, writers):
                self._run.on_outcome(outcome)
                yield outcome

    def _worked(
        self, shard: Sequence[Work], readers: Executor, writers: Executor
    ) -> Iterator[Outcome]:
        reads: Queue[Work, bytes] = Queue(readers, self._bounds)
        writes: Queue[Work, FileInfo] = Queue(writers, self._bounds)
        for work, content in read_ahead(reads, shard, lambda work: work.info.size, self._read):
            encoded = self._attempt(work, partial(self._make, work, content))
            if isinstance(encoded, Outcome):
                yield encoded
                continue
            written = writes.put(work, len(encoded), partial(self._write, work, encoded))
            yield from (self._finished(*each) for each in written)
        yield from (self._finished(*each) for each in writes.rest())

    def _read(self, work: Work) -> bytes:
        self._run.check_turn()
        return self._timed(work, partial(self._src.read, work.source))

    def _make(self, work: Work, content: Future[bytes]) -> bytes:
        data = content.result()
        self._run.check_turn()
        check = self._run.check
        made = self._timed(work, partial(make, self._job, self._upscaler, work, data, check))
        self._notes[work.source] = made.notes
        return made.content

    def _write(self, work: Work, encoded: bytes) -> FileInfo:
        self._run.check()
        return self._timed(work, partial(self._dst.write, work.output, encoded))

    def _finished(self, work: Work, written: Future[FileInfo]) -> Outcome:
        info = self._attempt(work, written.result)
        if isinstance(info, Outcome):
            return info
        self.records.append(_record(self._job, work, info))
        return self._outcome(work, None)

    def _attempt(self, work: Work, call: Callable[[], R]) -> R | Outcome:
        try:
            return call()
        # Whatever an image does to the libraries that read, run and write it, it fails alone.
        except Exception as error:  # noqa: BLE001 - recorded, and shown at the end
            if isinstance(error, OSError):
                self._end_if_storage_is_gone(error)
            return self._outcome(work, Failure.of(error))

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

    def _timed(self, work: Work, call: Callable[[], R]) -> R:
        started = time.monotonic()
        try:
            return call()
        finally:  # an image is in one thread at a time
            before = self._seconds.get(work.source, 0.0)
            self._seconds[work.source] = before + time.monotonic() - started

    def _outcome(self, work: Work, error: Failure | None) -> Outcome:
        return Outcome(
            source=work.source,
            output=work.output,
            status="failed" if error else "written",
            scale=scale_of(work.size_in, work.size_out),
            size_in=work.size_in,
            size_out=work.size_out,
            seconds=self._seconds.pop(work.source, 0.0),
            error=error,
            notes=self._notes.pop(work.source, ()),
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
