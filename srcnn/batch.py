"""The work of a batch: one image from file to file, and a shard of them.

The one place where an image's failure is caught and recorded, so that it never
stops the others.
"""

from __future__ import annotations

import io
import posixpath
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache

from srcnn import ledger
from srcnn.decoding import decode, read_header
from srcnn.errors import ModelError, NotAttemptedError, SourceChangedError
from srcnn.images import Picture, encode, format_of
from srcnn.ledger import Record
from srcnn.model import load_model
from srcnn.storage import FileInfo, Folder
from srcnn.upscaler import Upscaler
from srcnn.work import Failure, Job, Outcome, Work, scale_of

_building = threading.Lock()


@dataclass(frozen=True)
class Control:
    """How the caller's process and the work in its threads speak to each other.

    Attributes:
        stop: set to end after the images in hand.
        drop: set to drop the images in hand too, before they are written.
        on_outcome: called for each image, from any thread.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    drop: threading.Event = field(default_factory=threading.Event)
    on_outcome: Callable[[Outcome], None] = lambda _: None

    def check(self) -> None:
        """Called between the parts of an image's way.

        Raises:
            NotAttemptedError: the images in hand are to be dropped.
        """
        if self.drop.is_set():
            raise NotAttemptedError("the run was interrupted, and this image dropped")


# Set by the flow and inherited by its threads. A worker elsewhere has none: its images are
# counted when their shard comes back, and it stops between shards.
control: ContextVar[Control] = ContextVar("control")


def upscaler_for(job: Job) -> Upscaler:
    """The job's upscaler, built once per process.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider is not there.
    """
    with _building:
        return _upscaler(job)


# One run at a time works in a process; a later one may bring another model.
@lru_cache(maxsize=1)
def _upscaler(job: Job) -> Upscaler:
    model = load_model(job.model, job.storage)
    if model.sha256 != job.model_sha256:
        raise ModelError(
            f"{job.model}: expected sha256 {job.model_sha256}, got {model.sha256}: the model "
            "changed after the run was planned; start the run again"
        )
    return Upscaler(
        model,
        provider=job.provider,
        threads=job.threads,
        tile_px=job.tile_px,
        convention=job.convention,
    )


@dataclass(frozen=True)
class _Bench:
    """What one shard's images have in common."""

    job: Job
    upscaler: Upscaler
    src: Folder
    dst: Folder
    control: Control


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        outcomes: one for each image, in order.
        unrecorded: why the record could not be written; its images will be made again.
    """

    outcomes: list[Outcome]
    unrecorded: str | None = None


def process_shard(job: Job, shard: Sequence[Work]) -> ShardResult:
    """Make a shard's images, record them, and tell what became of each.

    Args:
        job: what all images share.
        shard: images to make.

    Raises:
        ModelError: the model cannot serve.
    """
    src, dst = Folder(job.src, job.storage), Folder(job.dst, job.storage)
    bench = _Bench(job, upscaler_for(job), src, dst, control.get(Control()))
    outcomes, records = [], []
    for work in shard:
        outcome, info = _attempt(bench, work)
        outcomes.append(outcome)
        records += [_record(job, work, info)] if info else []
        bench.control.on_outcome(outcome)
    try:
        ledger.append(dst, job.run_id, records)
    except OSError as error:
        return ShardResult(outcomes, f"{type(error).__name__}: {error}")
    return ShardResult(outcomes)


def _attempt(bench: _Bench, work: Work) -> tuple[Outcome, FileInfo | None]:
    if bench.control.stop.is_set():
        error = NotAttemptedError("the run was interrupted before this image's turn")
        return _outcome(work, 0.0, Failure.of(error)), None
    started = time.monotonic()
    try:
        info = _make(bench, work)
    # Whatever an image does to the libraries that read, run and write it, it fails alone.
    except Exception as error:  # noqa: BLE001 - recorded, and shown at the end
        return _outcome(work, time.monotonic() - started, Failure.of(error)), None
    return _outcome(work, time.monotonic() - started, None), info


def _record(job: Job, work: Work, info: FileInfo) -> Record:
    return Record(
        output=work.output,
        source=work.source,
        source_info=work.info,
        output_info=info,
        scale=work.scale,
        options=job.options_digest(work.output),
        model=job.model_sha256,
        size_in=work.size_in,
        size_out=work.size_out,
    )


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


def _make(bench: _Bench, work: Work) -> FileInfo:
    """Read, decode, upscale, encode and write one image."""
    job, dst = bench.job, bench.dst
    data = bench.src.read(work.source)
    size = read_header(io.BytesIO(data)).size
    if size != work.size_in:  # seen before the pixels are given memory
        raise SourceChangedError(f"it had {work.size_in} px when the run was planned, now {size}")
    picture = decode(data)
    if work.copy and format_of(work.output) == format_of(work.source) and job.keep_metadata:
        return dst.write(work.output, data)
    if not work.copy:
        pixels = bench.upscaler.to_size(picture.pixels, work.size_out, bench.control.check)
        picture = Picture(pixels, picture.metadata)
    extension = posixpath.splitext(work.output)[1]
    encoded = encode(picture, extension, job.quality, keep_metadata=job.keep_metadata)
    bench.control.check()
    return dst.write(work.output, encoded)
