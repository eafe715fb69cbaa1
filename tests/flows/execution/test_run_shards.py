"""Shards on a runner: all of them, those of a worker that died, and those of a cancelled run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TypeVar

import pytest
from prefect import Task

from flows.execution.run_shards import ShardRun, _fail_shard, run_shards
from flows.execution.runners import Runner, ThreadRunner
from flows.execution.task_calls import TaskCalls, UntrackedCalls
from srcnn.batch.cancellation import Cancellation
from srcnn.destination.lock.acquire import hold
from srcnn.image_task import Failure, ImageResult
from srcnn.job import Job
from srcnn.parse_scale import parse_scale
from srcnn.planning.plan import Plan, make_plan
from srcnn.planning.select_images import PlanOptions
from tests.support.jobs import make_job

R = TypeVar("R")
T = TypeVar("T")


@pytest.fixture
def job(pictures: Path) -> Job:
    return make_job(pictures)


@pytest.fixture
def plan(job: Job) -> Plan:
    return make_plan(job, PlanOptions(scale=parse_scale("2")))


def run(
    job: Job, plan: Plan, cancellation: Cancellation, calls: TaskCalls | None = None
) -> tuple[list[str], list[ImageResult]]:
    """Statuses as they were shown, and the results of the run."""
    shown: list[str] = []
    shards = ShardRun(job, plan, [[task] for task in plan.tasks], ThreadRunner(2))
    with hold(job.destination, job.run_id) as lease:
        result = run_shards(
            shards,
            calls or UntrackedCalls(),
            cancellation,
            lease,
            lambda image: shown.append(image.status),
        )
    return shown, result.images


def test_every_image_of_every_shard_is_shown_once(job: Job, plan: Plan) -> None:
    shown, images = run(job, plan, Cancellation())
    assert shown == ["written"] * 4
    assert [image.source for image in images] == sorted(task.source for task in plan.tasks)


def test_a_cancelled_run_shows_nothing_and_accounts_for_every_image(job: Job, plan: Plan) -> None:
    cancellation = Cancellation()
    cancellation.cancel("enough")
    shown, images = run(job, plan, cancellation)
    assert shown == []
    assert [image.not_attempted for image in images] == [True] * 4


def test_a_shard_whose_worker_died_fails_and_one_of_a_lost_cluster_is_left_to_the_end(
    plan: Plan,
) -> None:
    results = _fail_shard(plan.tasks, RuntimeError("killed"))
    assert [image.error for image in results] == [Failure("RuntimeError", "killed")] * 4
    assert _fail_shard(plan.tasks, CancelledError()) == []


class Broken(UntrackedCalls):
    """Whose tasks fail after all their images are written, as with a lack of memory."""

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        for item, _ in super().map(task, items, runner, **common):
            yield item, MemoryError("no memory")


def test_a_shard_that_fails_after_its_images_are_written_fails_them(job: Job, plan: Plan) -> None:
    shown, images = run(job, plan, Cancellation(), Broken())
    assert shown == ["written"] * 4
    assert [image.error for image in images] == [Failure("MemoryError", "no memory")] * 4
