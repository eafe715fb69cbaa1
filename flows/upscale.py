"""The flow `batch-upscale`, and its command line.

python flows/upscale.py --src photos --scale 2.5
"""

from __future__ import annotations

import sys
import time
import uuid
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from prefect import flow

from flows.cli import BatchFailedError, Interrupted, make_app, run
from flows.options import UpscaleOptions
from flows.progress import batch_progress
from flows.runs import Steps, current_steps, hide_tracebacks, run_flow
from flows.settings import Settings, load_settings
from flows.signals import ended_by_signal
from flows.telling import tell
from srcnn.batch import Control, control
from srcnn.plan import Plan, Selection
from srcnn.report import Report, dry_outcomes, reconcile, utc_now
from srcnn.work import Failure, Job, Outcome, Work
from tasks import upscale as tasks
from tasks.logs import logger
from tasks.shards import make_shards


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
    started, clock = utc_now(), time.monotonic()
    job = steps.call(tasks.load, _job(options, settings, started))
    plan = steps.call(tasks.plan, job, _selection(options, settings))
    steps.call(tasks.open_report, options.report, job.storage)
    signal_number = 0
    if options.dry_run:
        images = sorted(plan.settled + dry_outcomes(plan), key=lambda image: image.source)
    else:
        steps.call(tasks.open_destination, job, plan.litter)
        outcomes, signal_number = _work(steps, job, plan, options, settings)
        images = reconcile(plan, outcomes)
    report = Report(job, started, time.monotonic() - clock, options.model_dump(), images)
    tell(report, dry_run=options.dry_run)
    place = _written(steps, report, options)
    if signal_number:
        raise Interrupted(signal_number)
    if report.counts["failed"]:
        told = f"{report.counts['failed']} of {report.counts['requested']} images failed"
        raise BatchFailedError(f"{told}: {place}" if place else told)
    return report.counts


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


def _work(
    steps: Steps, job: Job, plan: Plan, options: UpscaleOptions, settings: Settings
) -> tuple[list[Outcome], int]:
    """Map over the shards; the outcomes, and the number of the signal that ended it, or 0."""
    shards = make_shards(
        plan.work, settings.shard_megapixels, settings.shard_images, options.workers
    )
    outcomes: list[Outcome] = []
    with batch_progress(plan.work, logger()) as progress, ended_by_signal() as ended:
        control.set(Control(ended.stop, ended.drop, progress.add))
        for shard, result in steps.map(tasks.upscale_shard, shards, options.workers, job=job):
            told = _broken(shard, result) if isinstance(result, BaseException) else result
            outcomes += told
            for outcome in told:
                progress.add(outcome)
    return outcomes, ended.number


def _broken(shard: list[Work], error: BaseException) -> list[Outcome]:
    return [
        Outcome(work.source, work.output, "failed", None, work.size_in, error=Failure.of(error))
        for work in shard
    ]


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
    sys.exit(run(app))
