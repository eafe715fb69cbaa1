"""Tasks called as task runs, or as plain functions: the same results and errors either way."""

from __future__ import annotations

import threading

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.execution.runners import ThreadRunner
from flows.execution.task_calls import TaskCalls, TrackedCalls, UntrackedCalls, choose_task_calls
from tests.support.marks import TRACKED


@task(cache_policy=NO_CACHE)
def divide(item: int, by: int) -> float:
    return item / by


@task(cache_policy=NO_CACHE)
def meet(item: int, barrier: threading.Barrier) -> int:
    barrier.wait(30)
    return item


def map_divide(calls: TaskCalls, by: int) -> dict[int, float | BaseException]:
    return dict(calls.map(divide, [1, 2, 3], ThreadRunner(2), by=by))


def check(calls: TaskCalls) -> None:
    """What both ways must do."""
    assert calls.call(divide, 6, by=3) == 2
    assert map_divide(calls, 2) == {1: 0.5, 2: 1.0, 3: 1.5}
    failed = map_divide(calls, 0)
    assert sorted(failed) == [1, 2, 3]
    assert all(isinstance(error, ZeroDivisionError) for error in failed.values())
    # Each item waits for the others: they run side by side, in this process.
    met = calls.map(meet, [1, 2, 3], ThreadRunner(3), barrier=threading.Barrier(3))
    assert sorted(item for item, _ in met) == [1, 2, 3]


def test_outside_of_a_flow_run_functions_are_called() -> None:
    calls = choose_task_calls()
    assert isinstance(calls, UntrackedCalls)
    check(calls)


class TestTracked:
    pytestmark = TRACKED

    def test_inside_a_flow_run_task_runs_are_made(self) -> None:
        @flow
        def tracked() -> str:
            calls = choose_task_calls()
            check(calls)
            return type(calls).__name__

        assert tracked() == TrackedCalls.__name__
