"""The flow `batch-upscale`, and its command line.

python flows/upscale.py --src photos --scale 2.5
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from prefect import flow

from flows.cli import make_app
from flows.cli import run as run_command
from flows.execution.collect_results import RunResult
from flows.execution.run_shards import ShardRun, run_shards
from flows.execution.runners import make_runner
from flows.execution.task_calls import choose_task_calls
from flows.execution.tracking import hide_tracebacks, run_flow
from flows.options.build_job import build_inference, build_job, build_plan_options
from flows.options.option_types import Flag, Track
from flows.options.settings import load_settings
from flows.options.upscale import UpscaleOptions
from flows.output.announce_plan import announce_plan
from flows.output.finish import FinishedRun, finish
from flows.output.mode import choose_mode
from flows.output.progress import show_progress
from srcnn.batch.cancellation import Cancellation
from srcnn.batch.make_shards import make_shards
from srcnn.destination.lock.acquire import hold
from srcnn.destination.lock.heartbeat import Lease
from srcnn.job import Job
from srcnn.planning.list_source import check_folders
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
    settings, calls = load_settings(), choose_task_calls()
    use_credentials(settings.aws_block)
    started, clock = datetime.now(UTC), time.monotonic()
    runner = make_runner(options.runner, options.workers, settings.dask_address)

    # Load.
    inference = build_inference(options, settings)
    model = calls.call(
        tasks.load_model, options.model, options.convention, inference, settings.storage
    )
    job = build_job(options, settings, model, inference, started)
    cancellation = Cancellation()
    # Hold.
    with _hold_destination(
        job, cancellation, settings.lock_seconds, dry_run=options.dry_run
    ) as lease:
        # Plan.
        plan = calls.call(tasks.plan, job, build_plan_options(options, settings))
        announce_plan(job, plan, dry_run=options.dry_run)
        calls.call(tasks.open_report, options.report, settings.storage)
        # Run.
        if lease is None:
            result = RunResult.predict(plan)
        else:
            calls.call(tasks.open_destination, job, plan.leftovers, compact=plan.needs_compaction)
            shards = make_shards(
                plan.tasks, settings.shard_megapixels, settings.shard_images, runner.places
            )
            run = ShardRun(job, plan, shards, runner, options.max_failures, settings.aws_block)
            with show_progress(plan.tasks) as show:
                result = run_shards(run, calls, cancellation, lease, show)
        # Finish.
        seconds = time.monotonic() - clock
        ending = finish(
            calls,
            FinishedRun(job, options, plan, result, started, seconds),
            settings.contact_sheet_images,
        )
    ending.raise_if_failed()
    return ending.summary.counts


@contextmanager
def _hold_destination(
    job: Job, cancellation: Cancellation, lock_seconds: float, *, dry_run: bool
) -> Iterator[Lease | None]:
    """Hold the destination for this run alone; a dry run writes nothing and needs no lock."""
    check_folders(job.source, job.destination)
    if dry_run:
        yield None
        return

    def cancel(reason: str) -> None:
        cancellation.cancel(reason, drop=True, fatal=True)

    with hold(job.destination, job.run_id, lock_seconds, cancel) as lease:
        for warning in lease.warnings:
            logger().warning("%s", warning)
        yield lease


app = make_app("upscale.py", "Upscale a folder or bucket of images, each by its own factor.")


@app.default
def main(
    *,
    options: Annotated[UpscaleOptions, Parameter(name="*")],
    track: Track = None,
    quiet: Annotated[
        Flag, Parameter(help="Write only warnings and errors to standard error.")
    ] = False,
    json: Annotated[
        Flag, Parameter(help="Write the run as JSON lines to standard output; implies --quiet.")
    ] = False,
) -> int:
    """Upscale a folder or bucket of images, each by its own factor."""
    choose_mode(quiet=quiet, json=json)
    run_flow(batch_upscale, batch_upscale.fn, track=track)(options)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(app))
