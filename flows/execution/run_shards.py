"""Run all shards on a runner, collect their results, and stop early if the run is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from flows.errors import Interrupted
from flows.execution.cancel_on_signal import cancel_on_signal
from flows.execution.collect_results import ResultCollector, RunResult
from flows.execution.dask_executor import LOST_SCHEDULER
from flows.execution.runners import Runner
from flows.execution.task_calls import TaskCalls
from srcnn.batch.cancellation import Cancellation
from srcnn.batch.failure_limit import FailureLimit
from srcnn.batch.known_failures import KnownFailures
from srcnn.batch.worker import ShardResult
from srcnn.destination.lock.heartbeat import Lease
from srcnn.destination.lock.owner import HolderState
from srcnn.image_task import Failure, ImageResult, ImageTask
from srcnn.job import Job
from srcnn.planning.plan import Plan
from tasks import upscale as tasks
from tasks.logs import logger

_RELAY_SECONDS = 0.5


@dataclass(frozen=True)
class ShardRun:
    """The working part of a run.

    Attributes:
        job: what all images share.
        plan: the images.
        shards: those to process, in the order in which they begin.
        runner: where they are processed.
        failure_limit: the most that may fail; None for any number.
        aws_block: the name of the block with the credentials of S3, or None.
        known: failures that were accepted.
    """

    job: Job
    plan: Plan
    shards: list[list[ImageTask]]
    runner: Runner
    failure_limit: FailureLimit | None = None
    aws_block: str | None = None
    known: KnownFailures = field(default_factory=KnownFailures)


def run_shards(
    run: ShardRun,
    calls: TaskCalls,
    cancellation: Cancellation,
    lease: Lease,
    show: Callable[[ImageResult], None],
) -> RunResult:
    """Process all shards, until they are done or the run is cancelled.

    Args:
        run: what is to be done.
        calls: how tasks are called.
        cancellation: ends the run early.
        lease: of the destination, whose lock workers in other processes follow.
        show: called with each result of an image that was attempted.
    """
    with (
        cancel_on_signal(cancellation) as signal,
        _relay_to_workers(cancellation, lease),
    ):
        collector = ResultCollector(run.plan, run.failure_limit, cancellation, show, run.known)
        # The last signal: report what is known, whoever is still at work.
        with suppress(Interrupted):
            _collect(run, calls, cancellation, collector)
        return collector.finish(signal.number)


def _collect(
    run: ShardRun, calls: TaskCalls, cancellation: Cancellation, collector: ResultCollector
) -> None:
    for shard, outcome in _map(run, calls, cancellation, collector.add):
        if isinstance(outcome, CancelledError):
            reason = run.runner.lost or LOST_SCHEDULER
            cancellation.cancel(reason, drop=True, fatal=True)
        if isinstance(outcome, BaseException):
            for failed in _fail_shard(shard, outcome):
                collector.fail(failed)
            continue
        _check_shard(outcome, cancellation)
        for result in outcome.results:
            collector.add(result)


def _map(
    run: ShardRun,
    calls: TaskCalls,
    cancellation: Cancellation,
    on_result: Callable[[ImageResult], None],
) -> Iterator[tuple[list[ImageTask], ShardResult | BaseException]]:
    """Return each shard with its result or error, as they are done."""
    common = {
        "job": run.job,
        "aws_block": run.aws_block,
        # Neither reaches another process, where the destination's lock serves.
        "cancellation": None if run.runner.remote else cancellation,
        "on_result": None if run.runner.remote else on_result,
    }
    return calls.map(tasks.upscale_shard, run.shards, run.runner, **common)


def _check_shard(result: ShardResult, cancellation: Cancellation) -> None:
    """Log what a shard could not record, and end the run if it cannot go on."""
    if result.unrecorded:
        text = (
            "the images of a shard were written but could not be recorded, so the next run "
            "will redo them: %s"
        )
        logger().error(text, result.unrecorded)
    if result.fatal:
        cancellation.cancel(result.fatal, fatal=True)


def _fail_shard(shard: list[ImageTask], error: BaseException) -> list[ImageResult]:
    """Return the results of a shard whose worker died, or whose task failed as a whole."""
    if isinstance(error, CancelledError):  # the cluster is gone; `complete_results` explains it
        return []
    failure = Failure.from_error(error)
    return [ImageResult.failed(task, failure) for task in shard]


@contextmanager
def _relay_to_workers(cancellation: Cancellation, lease: Lease) -> Iterator[None]:
    """Pass a cancellation on to workers in other processes, from a thread.

    Not where the run is cancelled: that may be in a signal handler, in the middle of anything.
    """
    done = threading.Event()

    def relay() -> None:
        relayed: HolderState = "running"
        while not done.wait(_RELAY_SECONDS):
            state: HolderState = "dropping" if cancellation.drops_images else "stopping"
            if cancellation.is_cancelled and state != relayed:
                relayed = state
                with suppress(OSError):  # the next heartbeat writes it too
                    lease.publish_state(state)

    thread = threading.Thread(target=relay, name="relay-cancellation", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
