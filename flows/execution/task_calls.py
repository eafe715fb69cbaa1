"""How a flow calls its tasks: as Prefect task runs, or as plain functions in the process.

Flows are written once, against `TaskCalls`. Inside a flow run every call is a task run on the
server; outside of one, the same function is called without Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from prefect import Task, unmapped
from prefect.context import FlowRunContext
from prefect.futures import as_completed as prefect_as_completed

from flows.execution.runners import Runner

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class TaskCalls(Protocol):
    """The two ways in which a flow uses its tasks."""

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task and wait for its result."""

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        """Run a task on every item on a runner; yield results or errors as they come."""


class TrackedCalls:
    """Tasks as task runs of the current flow run."""

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task and wait for its result."""
        return task(*args, **kwargs)

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        """Run a task on every item on a runner; yield results or errors as they come."""
        shared: dict[str, Any] = {name: unmapped(value) for name, value in common.items()}
        with runner.task_runner() as started:
            futures: list[Any] = list(
                started.map(cast("Task[..., Any]", task), {"item": list(items), **shared})
            )
            items_by_run = {
                future.task_run_id: item for future, item in zip(futures, items, strict=True)
            }
            with runner.watch(started, futures):
                for future in prefect_as_completed(futures):
                    result = partial(future.result, raise_on_failure=False)
                    yield items_by_run[future.task_run_id], _catch(result)


class UntrackedCalls:
    """The tasks' functions, called without Prefect."""

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task's function."""
        return task.fn(*args, **kwargs)

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        """Run a task's function on every item; yield results or errors as they come."""
        with runner.executor() as pool:
            items_by_future: dict[Future[R], T] = {
                pool.submit(partial(task.fn, item=item, **common)): item for item in items
            }
            for future in as_completed(items_by_future):
                yield items_by_future[future], _catch(future.result)


def choose_task_calls() -> TaskCalls:
    """Tracked inside a flow run, untracked outside of one."""
    return TrackedCalls() if FlowRunContext.get() else UntrackedCalls()


def _catch(result: Callable[[], R | BaseException]) -> R | BaseException:
    try:
        return result()
    # A worker that died leaves an error of Dask's; a scheduler that died cancels what it held.
    except Exception as error:  # noqa: BLE001 - returned, as the shard's failure
        return error
