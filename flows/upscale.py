"""The flow `batch-upscale`, and its command line.

python flows/upscale.py --src photos --scale 2.5
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from prefect import flow

from flows.cli import BatchFailedError, Interrupted, make_app
from flows.cli import run as run_command
from flows.options import UpscaleOptions
from flows.runners import Runner, make_runner
from flows.runs import hide_tracebacks, run_flow
from flows.settings import Settings, load_settings
from flows.steps import Steps, current_steps
from flows.telling import tell
from flows.working import Batch, Worked, work_through
from srcnn.control import Control
from srcnn.failure_limit import parse_failure_limit
from srcnn.lease import Lease
from srcnn.lock import hold
from srcnn.plan import Plan, Selection
from srcnn.report import Report, dry_outcomes, utc_now
from srcnn.sources import check_places
from srcnn.storage import Folder
from srcnn.work import Job
from tasks import upscale as tasks
from tasks.credentials import use_credentials
from tasks.logs import logger
from tasks.shards import make_shards

_MEGA = 1_000_000


@flow(name="batch-upscale", validate_parameters=True)
def batch_upscale(options: UpscaleOptions) -> dict[str, int]:
    """Upscale every image of a folder or bucket, each by its own factor.

    Args:
        options: what, how large, and where to.

    Returns:
        How many images were requested, written, skipped and failed.

    Raises:
        BatchFailedError: images failed; the others are written.
        SrcnnError: the run could not start; nothing was written.
    """
    hide_tracebacks()
    settings, steps = load_settings(), current_steps()
    use_credentials(settings.aws_block)
    started, clock = utc_now(), time.monotonic()
    runner = make_runner(options.runner, options.workers, settings.dask_address)
    job = steps.call(tasks.load, _job(options, settings, started))
    run = Control()
    with _destination(job, options, settings, run) as lease:
        plan = steps.call(tasks.plan, job, _selection(options, settings))
        steps.call(tasks.open_report, options.report, job.storage)
        if lease is None:
            worked = Worked(sorted(plan.settled + dry_outcomes(plan), key=lambda each: each.source))
        else:
            steps.call(tasks.open_destination, job, plan.litter)
            batch = _batch(job, plan, options, settings, runner)
            worked = work_through(batch, steps, runner, run, lease)
        report = Report(job, started, time.monotonic() - clock, options.model_dump(), worked.images)
        tell(report, dry_run=options.dry_run)
        place = _written(steps, report, options)
    _raise_what_ended(worked, report, place)
    return report.counts


def _raise_what_ended(worked: Worked, report: Report, place: str) -> None:
    if worked.signal_number:
        raise Interrupted(worked.signal_number)
    counts = report.counts
    if counts["failed"] or worked.cannot_go_on:
        told = f"{counts['failed']} of {counts['requested']} images failed"
        why = f" ({report.not_attempted} not attempted: {worked.ended})" if worked.ended else ""
        raise BatchFailedError(f"{told}{why}: {place}" if place else f"{told}{why}")


@contextmanager
def _destination(
    job: Job, options: UpscaleOptions, settings: Settings, run: Control
) -> Iterator[Lease | None]:
    """The destination, held for this run alone; a dry run writes nothing and needs no hold."""
    src, dst = Folder(job.src, job.storage), Folder(job.dst, job.storage)
    check_places(src, dst)
    if options.dry_run:
        yield None
        return

    def end(reason: str) -> None:
        run.end(reason, drop=True, fatal=True)

    with hold(dst, job.run_id, settings.lock_seconds, end) as lease:
        for warning in lease.warnings:
            logger().warning("%s", warning)
        yield lease


def _written(steps: Steps, report: Report, options: UpscaleOptions) -> str:
    """Write the report; its place. The images are written: this is no failure to start."""
    try:
        keep = not options.dry_run
        return steps.call(tasks.write_report, report, options.report, keep=keep)
    except OSError as error:
        raise BatchFailedError(f"the report could not be written: {error}") from error


def _job(options: UpscaleOptions, settings: Settings, started: datetime) -> Job:
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
        provider=options.provider,
        threads=settings.threads,
        tile_px=settings.tile_px,
        storage=settings.storage,
        transfers=settings.transfers,
        buffer_bytes=int(settings.buffer_megabytes * _MEGA),
    )


def _selection(options: UpscaleOptions, settings: Settings) -> Selection:
    return Selection(
        scale=options.scale,
        scales=options.scales,
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        overwrite=options.overwrite,
        when_larger=options.when_larger,
        max_output_megapixels=settings.max_output_megapixels,
    )


def _batch(
    job: Job, plan: Plan, options: UpscaleOptions, settings: Settings, runner: Runner
) -> Batch:
    megapixels, images = settings.shard_megapixels, settings.shard_images
    shards = make_shards(plan.work, megapixels, images, runner.width)
    limit = parse_failure_limit(options.max_failures) if options.max_failures else None
    return Batch(job, plan, shards, limit, settings.aws_block)


app = make_app("upscale.py", "Upscale a folder or bucket of images, each by its own factor.")


@app.default
def main(
    *,
    options: Annotated[UpscaleOptions, Parameter(name="*")],
    track: Annotated[
        bool | None,
        Parameter(
            help="Track the run on the Prefect API, or on a temporary server; or not at all."
        ),
    ] = None,
) -> int:
    """Upscale a folder or bucket of images, each by its own factor."""
    run_flow(batch_upscale, batch_upscale.fn, track=track)(options)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(app))
