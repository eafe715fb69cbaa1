"""Shards mapped over a runner: one stream of results, and what ends it early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from flows.execution.runners import Runner
from flows.execution.signals import cancel_on_signal
from flows.execution.task_calls import TaskCalls
from srcnn.batch.cancellation import Cancellation
from srcnn.batch.failure_limit import FailureLimit
from srcnn.batch.worker import ShardResult
from srcnn.destination.lock.heartbeat import Lease
from srcnn.destination.lock.owner import HolderState
from srcnn.image_task import Failure, ImageResult, ImageTask
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.reporting.report import complete_results, predict_results
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
    """

    job: Job
    plan: Plan
    shards: list[list[ImageTask]]
    runner: Runner
    failure_limit: FailureLimit | None = None
    aws_block: str | None = None


@dataclass(frozen=True)
class RunResult:
    """What became of a run's images.

    Attributes:
        images: one result for each image requested, by source.
        shown: sources of those that were shown as the run went on.
        ended: why it ended early; empty if it did not.
        signal_number: of the signal that ended it; 0 if none did.
        is_fatal: whether it ended because it could not go on, and nobody asked for it.
    """

    images: list[ImageResult]
    shown: set[str] = field(default_factory=set)
    ended: str = ""
    signal_number: int = 0
    is_fatal: bool = False

    @classmethod
    def predict(cls, plan: Plan) -> RunResult:
        """The result of a dry run: as if nothing failed."""
        return cls(predict_results(plan))

    @property
    def not_shown(self) -> list[ImageResult]:
        """Results that nobody has seen yet, by source."""
        return [image for image in self.images if image.source not in self.shown]


class ResultCollector:
    """Receives results from any thread, and passes each image's on once.

    An image of this process comes twice: when it is done, and with its shard.
    """

    def __init__(
        self, run: ShardRun, cancellation: Cancellation, show: Callable[[ImageResult], None]
    ) -> None:
        """Count the images that failed before the work.

        Args:
            run: whose results are collected.
            cancellation: set when more images failed than may.
            show: called with each result of an image that was attempted.
        """
        self._run = run
        self._cancellation = cancellation
        self._show = show
        self._lock = threading.Lock()
        self._results: dict[str, ImageResult] = {}
        self._failed = sum(result.error is not None for result in run.plan.settled)
        self._enforce_limit()

    def add(self, result: ImageResult) -> None:
        """Take a result; the first one of an image counts."""
        with self._lock:
            if result.source in self._results:
                return
            self._results[result.source] = result
            self._failed += result.error is not None and not result.not_attempted
        if not result.not_attempted:
            self._show(result)
            self._enforce_limit()

    def finish(self, signal_number: int) -> RunResult:
        """The results of all images, when no more will come.

        Args:
            signal_number: of the signal that ended the run; 0 if none did.
        """
        return RunResult(
            complete_results(self._run.plan, self._results),
            {key for key, result in self._results.items() if not result.not_attempted},
            self._cancellation.reason,
            signal_number,
            is_fatal=self._cancellation.fatal is not None,
        )

    def _enforce_limit(self) -> None:
        limit, failed = self._run.failure_limit, self._failed
        if limit and not limit.allows(failed, self._run.plan.requested):
            self._cancellation.cancel(
                f"{failed} images failed, more than --max-failures {limit} allows"
            )


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
        collector = ResultCollector(run, cancellation, show)
        for result in _map(run, calls, cancellation, collector.add):
            collector.add(result)
        return collector.finish(signal.number)


def _map(
    run: ShardRun,
    calls: TaskCalls,
    cancellation: Cancellation,
    on_result: Callable[[ImageResult], None],
) -> Iterator[ImageResult]:
    """The results of all shards, as they are done."""
    common = {
        "job": run.job,
        "aws_block": run.aws_block,
        # Neither reaches another process, where the destination's lock serves.
        "cancellation": None if run.runner.remote else cancellation,
        "on_result": None if run.runner.remote else on_result,
    }
    for shard, outcome in calls.map(tasks.upscale_shard, run.shards, run.runner, **common):
        result = _fail_shard(shard, outcome) if isinstance(outcome, BaseException) else outcome
        if result.unrecorded:
            text = "what a shard wrote is not on record, and will be written again: %s"
            logger().error(text, result.unrecorded)
        if result.fatal:
            cancellation.cancel(result.fatal, fatal=True)
        yield from result.results


def _fail_shard(shard: list[ImageTask], error: BaseException) -> ShardResult:
    """A shard whose worker died, or whose task failed as a whole."""
    if isinstance(error, CancelledError):  # the cluster is gone; `complete_results` explains it
        return ShardResult([])
    failure = Failure.from_error(error)
    return ShardResult([ImageResult.failed(task, failure) for task in shard])


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
