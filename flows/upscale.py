"""The flow `batch-upscale`, and its command line.

python flows/upscale.py --src photos --scale 2.5
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from cyclopts import Parameter
from prefect import flow

from flows.cli import make_app
from flows.cli import run as run_command
from flows.errors import BatchFailedError, Interrupted
from flows.execution.run_shards import Worked, work_through
from flows.execution.runners import make_runner
from flows.execution.task_calls import Steps, current_steps
from flows.execution.tracking import hide_tracebacks, run_flow
from flows.options.base import Flag, Track
from flows.options.settings import load_settings
from flows.options.to_batch import batch_of, job_of, selection_of
from flows.options.upscale import UpscaleOptions
from flows.output.log_summary import tell, tell_plan
from flows.output.mode import show
from flows.presenting import present
from srcnn.batch.cancellation import Control
from srcnn.destination.lock.acquire import hold
from srcnn.destination.lock.heartbeat import Lease
from srcnn.job import Job
from srcnn.planning.source_files import check_places
from srcnn.reporting.report import Report, dry_outcomes, utc_now
from srcnn.reporting.summary import Summary, summarize
from srcnn.storage.folder import Folder
from tasks import upscale as tasks
from tasks.credentials import use_credentials
from tasks.logs import logger


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
    job = steps.call(tasks.load, job_of(options, settings, started))
    run = Control()
    with _destination(job, run, settings.lock_seconds, dry_run=options.dry_run) as lease:
        plan = steps.call(tasks.plan, job, selection_of(options, settings))
        tell_plan(job, plan, dry_run=options.dry_run)
        steps.call(tasks.open_report, options.report, job.storage)
        if lease is None:
            worked = Worked(dry_outcomes(plan))
        else:
            steps.call(tasks.open_destination, job, plan.litter, scattered=plan.scattered)
            batch = batch_of(job, plan, options, settings, runner)
            worked = work_through(batch, steps, runner, run, lease)
        seconds = time.monotonic() - clock
        report = Report(job, started, seconds, options.model_dump(), worked.images)
        summary = summarize(report)
        tell(report, summary)
        place, unwritten = _written(steps, report, options)
        # A run that is ended does not wait for pictures.
        sheet_images = 0 if worked.ended else settings.contact_sheet_images
        present(steps, report, summary, place, plan.warnings, sheet_images=sheet_images)
    _raise_what_ended(worked, summary, place, unwritten)
    return report.counts


@contextmanager
def _destination(
    job: Job, run: Control, lock_seconds: float, *, dry_run: bool
) -> Iterator[Lease | None]:
    """The destination, held for this run alone; a dry run writes nothing and needs no hold."""
    src, dst = Folder(job.src, job.storage), Folder(job.dst, job.storage)
    check_places(src, dst)
    if dry_run:
        yield None
        return

    def end(reason: str) -> None:
        run.end(reason, drop=True, fatal=True)

    with hold(dst, job.run_id, lock_seconds, end) as lease:
        for warning in lease.warnings:
            logger().warning("%s", warning)
        yield lease


def _written(steps: Steps, report: Report, options: UpscaleOptions) -> tuple[str, str]:
    """Write the report; its place, and why it could not be written, for people."""
    try:
        keep = not options.dry_run
        return steps.call(tasks.write_report, report, options.report, keep=keep), ""
    except OSError as error:  # the images are written: how they went is still to be told
        unwritten = f"the report could not be written: {error}"
        logger().error("%s", unwritten)
        return "", unwritten


def _raise_what_ended(worked: Worked, summary: Summary, place: str, unwritten: str) -> None:
    if worked.signal_number:
        raise Interrupted(worked.signal_number)
    counts = summary.counts
    if counts["failed"] or worked.cannot_go_on:
        told = f"{counts['failed']} of {counts['requested']} images failed"
        if worked.ended:
            told += f" ({summary.not_attempted} not attempted: {worked.ended})"
        more = place or unwritten
        raise BatchFailedError(f"{told}: {more}" if more else told)
    if unwritten:
        raise BatchFailedError(unwritten)


app = make_app("upscale.py", "Upscale a folder or bucket of images, each by its own factor.")


@app.default
def main(
    *,
    options: Annotated[UpscaleOptions, Parameter(name="*")],
    track: Track = None,
    quiet: Annotated[
        Flag, Parameter(help="Say nothing on standard error but warnings and errors.")
    ] = False,
    json: Annotated[
        Flag, Parameter(help="Tell the run as JSON lines on standard output; quiet besides.")
    ] = False,
) -> int:
    """Upscale a folder or bucket of images, each by its own factor."""
    show(quiet=quiet, json=json)
    run_flow(batch_upscale, batch_upscale.fn, track=track)(options)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(app))
