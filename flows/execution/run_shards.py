"""The working part of a batch: shards mapped over a runner, and what ends that early."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from flows.execution.runners import Runner
from flows.execution.signals import ended_by_signal
from flows.execution.task_calls import Steps
from flows.output.progress import batch_progress
from flows.tally import Tally
from srcnn.batch.cancellation import Control, control
from srcnn.batch.failure_limit import FailureLimit
from srcnn.batch.worker import ShardResult
from srcnn.destination.lock.heartbeat import Lease
from srcnn.destination.lock.owner import HolderState
from srcnn.job import Failure, Job, Outcome, Work
from srcnn.planning.plan import Plan
from srcnn.reporting.report import reconcile
from tasks import upscale as tasks
from tasks.logs import logger

_RELAY_SECONDS = 0.5


@dataclass(frozen=True)
class Batch:
    """What is to be done.

    Attributes:
        job: what all images share.
        plan: the images.
        shards: those to make, in the order to begin with them.
        limit: the most that may fail; None for any number.
        aws_block: the name of the block with the credentials of S3, or None.
    """

    job: Job
    plan: Plan
    shards: list[list[Work]]
    limit: FailureLimit | None
    aws_block: str | None = None


@dataclass(frozen=True)
class Worked:
    """What became of it.

    Attributes:
        images: one outcome for each image requested, by source.
        ended: why it ended early; empty where it did not.
        signal_number: of the signal that ended it; 0 where none did.
        cannot_go_on: whether it ended because it had to, and nobody asked.
    """

    images: list[Outcome]
    ended: str = ""
    signal_number: int = 0
    cannot_go_on: bool = False


def work_through(batch: Batch, steps: Steps, runner: Runner, run: Control, lease: Lease) -> Worked:
    """Map over the shards, until all are done or the run is ended.

    Args:
        batch: what is to be done.
        steps: tracked, or not.
        runner: where shards are worked on.
        run: ends it early.
        lease: of the destination, where workers elsewhere look.
    """
    requested = len(batch.plan.work) + len(batch.plan.settled)
    with (
        batch_progress(batch.plan.work, logger()) as progress,
        ended_by_signal(run) as ended,
        _told_to_workers(run, lease),
    ):
        tally = Tally(run, requested, batch.limit, progress.add)
        tally.count_failures(batch.plan.settled)
        run.on_outcome = tally.add
        token = control.set(run)
        try:
            outcomes = list(_mapped(batch, steps, runner, run))
        finally:
            control.reset(token)
    images = reconcile(batch.plan, outcomes)
    return Worked(images, run.reason, ended.number, cannot_go_on=run.fatal is not None)


@contextmanager
def _told_to_workers(run: Control, lease: Lease) -> Iterator[None]:
    """Pass an early end on to workers in other processes, from a thread.

    Not where the run is ended: that may be in a signal's handler, in the middle of anything.
    """
    done = threading.Event()

    def relay() -> None:
        told: HolderState = "running"
        while not done.wait(_RELAY_SECONDS):
            state: HolderState = "dropping" if run.drop.is_set() else "stopping"
            if run.stop.is_set() and state != told:
                told = state
                with suppress(OSError):  # the next heartbeat writes it too
                    lease.publish_state(state)

    thread = threading.Thread(target=relay, name="tell-workers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _mapped(batch: Batch, steps: Steps, runner: Runner, run: Control) -> Iterator[Outcome]:
    common = {"job": batch.job, "aws_block": batch.aws_block, "remote": runner.remote}
    results = steps.map(tasks.upscale_shard, batch.shards, runner, **common)
    for shard, result in results:
        told = _broken(shard, result) if isinstance(result, BaseException) else result
        if told.unrecorded:
            text = "what a shard wrote is not on record, and will be made again: %s"
            logger().error(text, told.unrecorded)
        if told.fatal:
            run.end(told.fatal, fatal=True)
        for outcome in told.outcomes:
            run.on_outcome(outcome)
            yield outcome


def _broken(shard: list[Work], error: BaseException) -> ShardResult:
    """A shard whose worker died, or whose task failed as a whole."""
    if isinstance(error, CancelledError):  # the cluster is gone; `reconcile` has the words
        return ShardResult([])
    failure = Failure.of(error)
    return ShardResult(
        [
            Outcome(work.source, work.output, "failed", None, work.size_in, error=failure)
            for work in shard
        ]
    )
