"""How a flow calls its tasks: as Prefect task runs, or at once in the process.

The flows are written once, against `Steps`. Inside a flow run every call is a task
run on the server; outside one, the same function is called without Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from prefect import Task, unmapped
from prefect.context import FlowRunContext
from prefect.futures import as_completed as prefect_as_completed

from flows.execution.runners import Runner

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Steps(Protocol):
    """The two ways in which a flow uses its tasks."""

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task and wait for its result."""

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        """Run a task on every item, in a runner's place; results or errors as they come."""


class TrackedSteps:
    """Tasks as task runs of the flow run that we are in."""

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task and wait for its result."""
        return task(*args, **kwargs)

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        """Run a task on every item, in a runner's place; results or errors as they come."""
        shared: dict[str, Any] = {name: unmapped(value) for name, value in common.items()}
        with runner.task_runner() as started:
            futures: list[Any] = list(
                started.map(cast("Task[..., Any]", task), {"item": list(items), **shared})
            )
            item_of = {
                future.task_run_id: item for future, item in zip(futures, items, strict=True)
            }
            for future in prefect_as_completed(futures):
                result = partial(future.result, raise_on_failure=False)
                yield item_of[future.task_run_id], _told(result)


class UntrackedSteps:
    """The tasks' functions, called without Prefect."""

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task's function."""
        return task.fn(*args, **kwargs)

    def map(
        self, task: Task[..., R], items: Sequence[T], runner: Runner, **common: object
    ) -> Iterator[tuple[T, R | BaseException]]:
        """Run a task's function on every item; results or errors as they come."""
        with runner.executor() as pool:
            item_of: dict[Future[R], T] = {}
            for item in items:
                call: Callable[[], R] = partial(task.fn, item=item, **common)
                if not runner.remote:
                    # As Prefect's thread runner: each call sees the caller's context variables.
                    call = partial(copy_context().run, call)
                item_of[pool.submit(call)] = item
            for future in as_completed(item_of):
                yield item_of[future], _told(future.result)


def current_steps() -> Steps:
    """Tracked inside a flow run, untracked outside of one."""
    return TrackedSteps() if FlowRunContext.get() else UntrackedSteps()


def _told(result: Callable[[], R | BaseException]) -> R | BaseException:
    try:
        return result()
    # A worker that died leaves an error of Dask's; a scheduler that died cancels what it held.
    except Exception as error:  # noqa: BLE001 - told as the shard's failure
        return error
