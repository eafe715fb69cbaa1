"""The flow `batch-upscale`, and its command line.

python flows/upscale.py --src photos --scale 2.5
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import start

    start()

import srcnn  # noqa: F401 # isort: skip - before Prefect, whose reports it switches off

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from prefect import flow

from flows.cli import run as run_command
from flows.command_pages import PAGES
from flows.execution.collect_results import RunResult
from flows.execution.end_state import complete
from flows.execution.estimate_run import estimate_run
from flows.execution.run_names import name_after
from flows.execution.run_shards import ShardRun, run_shards
from flows.execution.runners import Runner, make_runner
from flows.execution.task_calls import TaskCalls, choose_task_calls
from flows.execution.tracking import prepare_logs, run_flow
from flows.make_command import (
    HOW_LARGE,
    MODEL,
    OUTPUT,
    PREFECT,
    RUN,
    WHAT,
    arrange,
    make_app,
)
from flows.options.base import REQUIRED, refuse_missing
from flows.options.build_job import build_inference, build_job, build_plan_options
from flows.options.option_types import Flag, Track
from flows.options.settings import Settings, load_settings
from flows.options.upscale import UpscaleOptions
from flows.output.announce_plan import announce_plan
from flows.output.finish import FinishedRun, finish
from flows.output.log_estimate import announce_early
from flows.output.output_mode import choose_mode
from flows.output.show_progress import show_progress
from srcnn.batch.cancellation import Cancellation
from srcnn.batch.known_failures import KnownFailures, read_known_failures
from srcnn.batch.make_shards import make_shards
from srcnn.destination.lock.acquire import hold
from srcnn.destination.lock.heartbeat import Lease
from srcnn.errors import UsageError
from srcnn.estimation.extrapolate import Estimate
from srcnn.estimation.first_images import EarlyEstimate, FirstImages
from srcnn.job import Job
from srcnn.model.pixel_format import StatedPixels
from srcnn.planning.plan import Plan
from srcnn.planning.refuse_overlap import check_folders, refuse_shared
from srcnn.printable_text import one_line
from tasks import upscale as tasks
from tasks.credentials import use_credentials
from tasks.logs import logger


@flow(name="batch-upscale", flow_run_name=name_after("src"), validate_parameters=True)
def batch_upscale(options: UpscaleOptions = REQUIRED) -> dict[str, int]:
    """Upscale every image of a folder or bucket, each by its own factor.

    Args:
        options: what, how large, and where to.

    Returns:
        How many images were requested, written, skipped and failed.

    Raises:
        BatchFailedError: images failed; the others are written.
        SrcnnError: the run could not start; nothing was written.
    """
    prepare_logs()
    refuse_missing(options)
    run, cancellation = _load(options), Cancellation()
    with _hold_destination(run, cancellation) as lease:
        plan = _plan(run)
        estimate: Estimate | EarlyEstimate | None
        if lease is None:
            result, estimate = _predict(run, plan)
        else:
            result, estimate = _upscale(run, plan, cancellation, lease)
        seconds = time.monotonic() - run.clock
        finished = FinishedRun(
            run.job, options, plan, run.known, result, run.started, seconds, estimate
        )
        ending = finish(run.calls, finished, run.settings.contact_sheet_images)
    ending.raise_if_failed()
    return complete(ending.summary.counts, ending.summary.text)


@dataclass(frozen=True)
class _Run:
    """What every step of a run needs.

    Attributes:
        options: of the user.
        settings: of the machine.
        calls: how tasks are called: tracked or not.
        runner: where shards run.
        job: what all images share.
        known: failures that were accepted.
        started: the time of day.
        clock: the same moment by `time.monotonic`.
    """

    options: UpscaleOptions
    settings: Settings
    calls: TaskCalls
    runner: Runner
    job: Job
    known: KnownFailures
    started: datetime
    clock: float


def _load(options: UpscaleOptions) -> _Run:
    """Read the settings and the model, and check the options by them."""
    settings, calls = load_settings(), choose_task_calls()
    use_credentials(settings.aws_block)
    started, clock = datetime.now(UTC), time.monotonic()
    runner = make_runner(options.runner, options.workers, settings.dask_address)
    inference = build_inference(options, settings)
    pixels = StatedPixels(options.convention, options.rounding, options.enlarge_first)
    model = calls.call(tasks.load_model, options.model, pixels, inference, settings.storage)
    job = build_job(options, settings, model, inference, started)
    known = read_known_failures(options.known_failures, settings.storage)
    return _Run(options, settings, calls, runner, job, known, started, clock)


@contextmanager
def _hold_destination(run: _Run, cancellation: Cancellation) -> Iterator[Lease | None]:
    """Hold the destination for this run alone; a dry run writes nothing and needs no lock."""
    job = run.job
    check_folders(job.source, job.destination)
    if run.options.dry_run:
        yield None
        return

    def cancel(reason: str) -> None:
        cancellation.cancel(reason, drop=True, fatal=True)

    with hold(job.destination, job.run_id, run.settings.lock_seconds, cancel) as lease:
        refuse_shared(job.source, job.destination, lease.key, job.run_id)
        for warning in lease.warnings:
            logger().warning("%s", one_line(warning))
        yield lease


def _plan(run: _Run) -> Plan:
    """Decide what becomes of each image, and open the report."""
    options = run.options
    plan = run.calls.call(tasks.plan, run.job, build_plan_options(options, run.settings))
    plan = replace(plan, settled=plan.settled.map(run.known.mark))
    announce_plan(run.job, plan, dry_run=options.dry_run)
    run.calls.call(
        tasks.open_report, run.job, options.report, options.scales, options.known_failures
    )
    return plan


def _predict(run: _Run, plan: Plan) -> tuple[RunResult, Estimate | None]:
    """Say what a run would do, and how long it would take."""
    spent = time.monotonic() - run.clock
    return RunResult.predict(plan), estimate_run(run.calls, run.job, plan, run.runner, spent)


def _upscale(
    run: _Run, plan: Plan, cancellation: Cancellation, lease: Lease
) -> tuple[RunResult, EarlyEstimate | None]:
    """Make the images of a plan, shard by shard; return the results, and an early estimate."""
    settings = run.settings
    run.calls.call(
        tasks.open_destination,
        run.job,
        plan.leftovers,
        plan.unfinished_uploads,
        compact=plan.needs_compaction,
    )
    shards = make_shards(
        plan.tasks, settings.shard_megapixels, settings.shard_images, run.runner.places
    )
    limit, block = run.options.max_failures, settings.aws_block
    shard_run = ShardRun(run.job, plan, shards, run.runner, limit, block, run.known)
    first = FirstImages(plan.tasks, run.clock, announce_early)
    with show_progress(plan.tasks) as show:
        result = run_shards(shard_run, run.calls, cancellation, lease, first.watch(show))
    return result, first.estimate


arrange(
    UpscaleOptions,
    {
        WHAT: ("src", "dst", "only_listed", "include", "exclude", "overwrite", "dry_run"),
        HOW_LARGE: ("scale", "scales", "when_larger"),
        MODEL: ("model", "convention", "rounding", "enlarge_first", "source_quality", "provider"),
        OUTPUT: (
            *("name", "format", "quality", "flatten", "metadata"),
            *("object_metadata", "cache_control"),
        ),
        RUN: ("max_failures", "known_failures", "runner", "workers", "report"),
    },
    positional=("src", "dst"),
)
app = make_app("python flows/upscale.py", PAGES["upscale"])


@app.default
def main(
    options: Annotated[UpscaleOptions, Parameter(name="*")],
    *,
    track: Annotated[Track, Parameter(group=PREFECT)] = None,
    quiet: Annotated[
        Flag, Parameter(group=RUN, help="Write only warnings and errors to standard error.")
    ] = False,
    json: Annotated[
        Flag,
        Parameter(
            group=RUN, help="Write the run as JSON lines to standard output; implies --quiet."
        ),
    ] = False,
    list_: Annotated[
        Flag,
        Parameter(name="--list", group=RUN, help="With --dry-run: show a line for each image."),
    ] = False,
) -> int:
    """Upscale a folder or bucket of images, each by its own factor."""
    if list_ and not options.dry_run:
        raise UsageError("--list shows what --dry-run would do: give both")
    choose_mode(quiet=quiet, json=json, list_images=list_)
    run_flow(batch_upscale, batch_upscale.fn, track=track)(options)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(app))
