"""The flow `batch-upscale`, and its command line.

python flows/upscale.py --src photos --scale 2.5
"""

from __future__ import annotations

import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Annotated

from cyclopts import Parameter
from prefect import flow

from flows.cli import BatchFailedError, Interrupted, make_app, run
from flows.options import UpscaleOptions
from flows.progress import batch_progress
from flows.runs import Steps, current_steps, run_flow
from flows.settings import Settings, load_settings
from srcnn.batch import Control, control
from srcnn.geometry import Size
from srcnn.plan import Plan, Selection
from srcnn.report import Report, dry_outcomes, reconcile, utc_now
from srcnn.work import NOT_ATTEMPTED, Failure, Job, Outcome, Work
from tasks import upscale as tasks
from tasks.logs import logger
from tasks.shards import make_shards

_MOST_FAILURES_TOLD = 20
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
    settings, steps = load_settings(), current_steps()
    started, clock = utc_now(), time.monotonic()
    job = steps.call(tasks.load, _job(options, settings, started))
    plan = steps.call(tasks.plan, job, _selection(options, settings))
    signal_number = 0
    if options.dry_run:
        images = sorted(plan.settled + dry_outcomes(plan), key=lambda image: image.source)
    else:
        steps.call(tasks.open_destination, job)
        outcomes, signal_number = _work(steps, job, plan, options, settings)
        images = reconcile(plan, outcomes)
    report = Report(job, started, time.monotonic() - clock, options.model_dump(), images)
    place = _tell(steps, report, options)
    if signal_number:
        raise Interrupted(signal_number)
    if report.counts["failed"]:
        raise BatchFailedError(
            f"{report.counts['failed']} of {report.counts['requested']} images failed: {place}"
        )
    return report.counts


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
    with batch_progress(plan.work, logger()) as progress, _ended_by_signal() as ended:
        control.set(Control(ended.event, progress.add))
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


class _Ended:
    """Whether, and by which signal, the work was asked to end."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.number = 0


@contextmanager
def _ended_by_signal() -> Iterator[_Ended]:
    """Let the first Ctrl-C or SIGTERM finish the images in hand; a second one ends at once."""
    ended = _Ended()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, _frame: FrameType | None) -> None:
        ended.number = number
        ended.event.set()
        for each, handler in before.items():
            signal.signal(each, handler)
        logger().warning("interrupted: finishing the images in hand; again to drop them")

    try:
        for number in numbers:
            signal.signal(number, end)
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(steps: Steps, report: Report, options: UpscaleOptions) -> str:
    """Write the report, and say how it went; returns the report's place."""
    log, counts = logger(), report.counts
    place = steps.call(tasks.write_report, report, options.report, keep=not options.dry_run)
    if not counts["requested"]:
        log.warning("no images in %s", options.src)
    if options.dry_run:
        for image in report.images:
            log.info("%s", _line(image))
    failures = [image for image in report.images if image.error and not _not_attempted(image)]
    for image in failures[:_MOST_FAILURES_TOLD]:
        log.error("%s", _line(image))
    if len(failures) > _MOST_FAILURES_TOLD:
        log.error("and %d more failures: see the report", len(failures) - _MOST_FAILURES_TOLD)
    log.info("%s", _summary(report, dry_run=options.dry_run))
    if not options.dry_run:
        log.info("images: %s", options.destination)
    if options.report or not options.dry_run:
        log.info("report: %s", place)
    return place


def _not_attempted(image: Outcome) -> bool:
    return image.error is not None and image.error.type == NOT_ATTEMPTED


def _line(image: Outcome) -> str:
    if image.error:
        return f"{image.source}: {image.error.type}: {image.error.message}"
    if not (image.size_in and image.size_out):
        return f"{image.source}: {image.status}"
    verb = "would write" if image.status == "written" else image.status
    return (
        f"{image.source}: {verb} {image.output}, {_px(image.size_in)} -> {_px(image.size_out)} px"
    )


def _px(size: Size) -> str:
    return str(Size(*size))


def _summary(report: Report, *, dry_run: bool) -> str:
    counts = report.counts
    made = [image for image in report.images if image.status == "written" and image.size_out]
    megapixels = sum(Size(*image.size_out).pixels for image in made if image.size_out) / _MEGA
    written = "would be written" if dry_run else "written"
    not_attempted = sum(map(_not_attempted, report.images))
    idle = f" ({not_attempted} of these not attempted)" if not_attempted else ""
    return (
        f"{counts['requested']} images: {counts['written']} {written} ({megapixels:.1f} Mpx), "
        f"{counts['skipped']} skipped, {counts['failed']} failed{idle}, in {report.seconds:.1f} s"
    )


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
