"""The work of a batch, shard by shard: what a worker is given, and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from srcnn.batch.cancellation import Control, control
from srcnn.batch.resources import Workshop, furnish
from srcnn.batch.shard import Bench
from srcnn.destination import ledger
from srcnn.errors import ModelError
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Job, Outcome, Work
from srcnn.model.model_file import load_model
from srcnn.storage.folder import Folder

_building = threading.Lock()


def upscaler_for(job: Job) -> Upscaler:
    """The job's upscaler, built once per process.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider or the precision is not there.
    """
    with _building:
        return _upscaler(job)


def workshop_for(job: Job) -> Workshop:
    """What the job's shards share in this process, made once.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider is not there.
    """
    with _building:
        return _workshop(job)


# One run at a time works in a process; a later one may bring another model.
@lru_cache(maxsize=1)
def _workshop(job: Job) -> Workshop:
    return furnish(job, _upscaler(job))


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
        precision=job.precision,
        threads=job.threads,
        tile_px=job.tile_px,
        convention=job.convention,
    )


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        outcomes: one for each image, in order.
        unrecorded: why the record could not be written; its images will be made again.
        fatal: why the run cannot go on: its storage went away.
    """

    outcomes: list[Outcome]
    unrecorded: str | None = None
    fatal: str | None = None


def process_shard(job: Job, shard: Sequence[Work], run: Control | None = None) -> ShardResult:
    """Make a shard's images, record them, and tell what became of each.

    Args:
        job: what all images share.
        shard: images to make.
        run: how the run ends early; the one that this thread inherited when None.

    Raises:
        ModelError: the model cannot serve.
    """
    run = run or control.get(None) or Control()
    bench = Bench(job, workshop_for(job), run)
    told = {outcome.source: outcome for outcome in bench.outcomes(shard)}
    outcomes = [told[work.source] for work in shard]
    try:
        ledger.append(Folder(job.dst, job.storage), job.run_id, bench.records)
    except OSError as error:
        return ShardResult(outcomes, f"{type(error).__name__}: {error}", run.fatal)
    return ShardResult(outcomes, fatal=run.fatal)
