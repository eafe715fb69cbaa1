"""Process the images of one shard; each has a thread that reads, computes and writes it.

Many are in progress at a time, so that reading, computing and writing overlap; the gates of
`WorkerResources` bound what they hold. The one place where an image's failure is caught, so that
it never stops the others.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed, wait
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TypeVar

from srcnn.batch.cancellation import Cancellation
from srcnn.batch.copy_repeats import Repeats, WrittenOutput
from srcnn.batch.image_memory import check_memory, estimate_peak_bytes
from srcnn.batch.memory_gate import GateHolder
from srcnn.batch.process_image import EncodedImage, process_image
from srcnn.batch.resources import WorkerResources
from srcnn.batch.transfer import read_source, write_output
from srcnn.destination.records import Record
from srcnn.errors import SourceMissingError, StorageError
from srcnn.geometry import measure_scale
from srcnn.image_task import Failure, ImageResult, ImageTask
from srcnn.job import Job
from srcnn.storage.file_table import FileInfo

R = TypeVar("R")

_COPIED = "the same bytes as another source: its result was copied"
# Not of one file: a full disk, or one that was mounted again read-only after an error.
_NOTHING_CAN_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class _Stopwatch:
    """The time that is spent on one image; waiting at a gate does not count."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self, call: Callable[[], R]) -> R:
        started = time.monotonic()
        try:
            return call()
        finally:
            self.seconds += time.monotonic() - started


class ShardProcessor:
    """Processes the images of one shard."""

    def __init__(
        self,
        job: Job,
        resources: WorkerResources,
        cancellation: Cancellation,
        record: Callable[[Record], None],
        repeats: Repeats,
    ) -> None:
        """Start nothing yet.

        Args:
            job: what all images share.
            resources: of this process.
            cancellation: asked before and within each image; set when the storage is gone.
            record: called with the record of each output, from any thread, once it is written.
            repeats: what this process has made in the run.
        """
        self._job = job
        self._resources = resources
        self._cancellation = cancellation
        self._record = record
        self._repeats = repeats

    def process(self, shard: Sequence[ImageTask]) -> Iterator[ImageResult]:
        """Process the images; yield each result as soon as it is known.

        Args:
            shard: the images.
        """
        futures = [self._resources.io_threads.submit(self._process, task) for task in shard]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # whatever stopped us: no thread works on after we return
            for future in futures:
                future.cancel()
            wait(futures)

    def _process(self, task: ImageTask) -> ImageResult:
        stopwatch = _Stopwatch()
        try:
            info, notes = self._transfer(task, stopwatch)
        # Whatever an image does to the libraries that read, run and write it, it fails alone.
        except Exception as error:  # noqa: BLE001 - recorded, and shown at the end
            if isinstance(error, OSError):
                self._cancel_if_storage_is_gone(error)
            failure = Failure.from_error(error)
            return _build_result(task, stopwatch.seconds, failure)
        self._record(_build_record(self._job, task, info))
        return replace(_build_result(task, stopwatch.seconds, None), notes=notes)

    def _transfer(self, task: ImageTask, stopwatch: _Stopwatch) -> tuple[FileInfo, tuple[str, ...]]:
        """Take an image through the gates: its file, its pixels, its output's file.

        Returns:
            The output's file as written, and notes on the image's colours.
        """
        job, resources, cancellation = self._job, self._resources, self._cancellation
        check_memory(task, resources)
        with GateHolder() as holder, ExitStack() as held:
            holder.advance(resources.read_gate, task.info.size)
            cancellation.raise_if_cancelled(begun=False)
            # A worker of a cluster may serve two runs, whose sources have files of one name.
            key = (job.source.url, task.source, task.info.version) if task.is_shared else None
            source = resources.files.use(key, partial(read_source, job, task))
            data, metadata = stopwatch.time(partial(held.enter_context, source))
            check = cancellation.raise_if_cancelled
            with self._repeats.claim(task, data, check) as claim:
                image = stopwatch.time(partial(self._read_back, holder, claim.found))
                if image is None:
                    holder.advance(resources.decode_gate, estimate_peak_bytes(task))
                    cancellation.raise_if_cancelled(begun=False)
                    process = partial(process_image, job.output, resources, task, data, check)
                    image = stopwatch.time(process)
                    del data
                    held.close()
                    holder.advance(resources.write_gate, len(image.content))
                check()
                write = partial(write_output, job, task, image.content, metadata)
                info = stopwatch.time(write)
                claim.written = WrittenOutput(task.output, info, image.notes)
                return info, image.notes

    def _read_back(self, holder: GateHolder, found: WrittenOutput | None) -> EncodedImage | None:
        """Read the output of the same bytes; None if there is none, or it cannot be read."""
        if found is None:
            return None
        holder.advance(self._resources.write_gate, found.info.size)
        try:
            content = self._job.destination.read(found.key, found.info.size, found.info)
        except OSError:  # a destination may be for writing only
            holder.leave()
            return None
        return EncodedImage(content, tuple(dict.fromkeys([*found.notes, _COPIED])))

    def _cancel_if_storage_is_gone(self, error: OSError) -> None:
        """One file that cannot be read or written fails alone; a whole folder ends the run."""
        if self._cancellation.is_cancelled:
            return
        if error.errno in _NOTHING_CAN_BE_WRITTEN:
            reason = f"{self._job.destination.url}: {os.strerror(error.errno)}"
            self._cancellation.cancel(reason, fatal=True)
            return
        try:
            self._job.source.probe()
            self._job.destination.probe()
        except (StorageError, SourceMissingError) as gone:
            self._cancellation.cancel(str(gone), fatal=True)


def _build_result(task: ImageTask, seconds: float, error: Failure | None) -> ImageResult:
    return ImageResult(
        source=task.source,
        output=task.output,
        status="failed" if error else "written",
        scale=measure_scale(task.size_in, task.size_out),
        size_in=task.size_in,
        size_out=task.size_out,
        seconds=seconds,
        error=error,
        source_info=task.info if error else None,
        quality=task.quality,
    )


def _build_record(job: Job, task: ImageTask, info: FileInfo) -> Record:
    return Record(
        output=task.output,
        source=task.source,
        source_info=task.info,
        output_info=info,
        scale=str(task.scale),
        options=job.digest_options(task.output),
        model=job.model.sha256,
        size_in=task.size_in,
        size_out=task.size_out,
        quality=task.quality,
        file_quality=task.file_quality,
    )
