"""What the options and settings of a batch mean for its work."""

from __future__ import annotations

import uuid
from datetime import datetime

from flows.execution.run_shards import Batch
from flows.execution.runners import Runner
from flows.options.settings import Settings
from flows.options.upscale import UpscaleOptions
from srcnn.batch.failure_limit import parse_failure_limit
from srcnn.batch.sharding import make_shards
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.planning.selection import Selection

_MEGA = 1_000_000


def job_of(options: UpscaleOptions, settings: Settings, started: datetime) -> Job:
    """What all images of the run share; its model is not read yet."""
    return Job(
        run_id=f"{started:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}",
        src=options.src,
        dst=options.destination,
        model=options.model,
        model_sha256="",
        convention=options.convention,
        form=options.format,
        quality=options.quality,
        keep_metadata=options.metadata == "keep",
        flatten=options.flatten,
        provider=options.provider,
        precision=options.precision,
        threads=settings.threads,
        tile_px=settings.tile_px,
        transfers=settings.transfers,
        buffer_bytes=int(settings.buffer_megabytes * _MEGA),
        storage=settings.storage,
    )


def selection_of(options: UpscaleOptions, settings: Settings) -> Selection:
    """Which images are asked for, and how large."""
    return Selection(
        scale=options.scale,
        scales=options.scales,
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        overwrite=options.overwrite,
        when_larger=options.when_larger,
        max_input_megapixels=settings.max_input_megapixels,
        max_output_megapixels=settings.max_output_megapixels,
    )


def batch_of(
    job: Job, plan: Plan, options: UpscaleOptions, settings: Settings, runner: Runner
) -> Batch:
    """The shards, and when to give up."""
    megapixels, images = settings.shard_megapixels, settings.shard_images
    shards = make_shards(plan.work, megapixels, images, runner.places)
    limit = parse_failure_limit(options.max_failures) if options.max_failures else None
    return Batch(job, plan, shards, limit, settings.aws_block)
