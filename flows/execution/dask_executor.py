"""A Dask cluster as an executor, and a watch over it: what it will never answer is cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from distributed import Client

P = ParamSpec("P")
R = TypeVar("R")

LOST_SCHEDULER = "the connection to the Dask scheduler was lost"
_CANCEL_SECONDS = 2.0
_LOOK_SECONDS = 1.0
# A cluster that scales itself, or a worker that restarts, takes some seconds to come back.
_NO_WORKERS_SECONDS = 20.0


class ClusterExecutor(Executor):
    """Dask's own executor, and a list of what it has not answered yet.

    Attributes:
        is_cancelled: whether nothing will be answered any more.
    """

    def __init__(self, client: Client) -> None:
        """Start nothing.

        Args:
            client: connected; it outlives the executor.
        """
        # Not pure: a shard that failed would be taken for done with the same error.
        self._inner: Executor = client.get_executor(pure=False)
        self.is_cancelled = False
        self._futures: list[Future[object]] = []

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Send a call to the cluster."""
        future: Future[R] = self._inner.submit(fn, *args, **kwargs)
        self._futures.append(future)  # type: ignore[arg-type] # only ever cancelled
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as the base has it
        """Accept no more calls; wait for those that were sent, or cancel them."""
        from distributed.client import ClosedClientError  # noqa: PLC0415 - an extra, slow to import

        with suppress(ClosedClientError):  # with the scheduler gone there is nothing to cancel
            self._inner.shutdown(wait=wait)

    def cancel(self) -> None:
        """Cancel every call that was not answered.

        A result that was being fetched when its worker or the scheduler went is an exception in
        Dask's own loop, and its future would stay pending for ever: whoever waits for it is woken.
        """
        self.is_cancelled = True
        for future in self._futures:
            future.cancel()
        _, silent = wait(self._futures, _CANCEL_SECONDS)
        for future in silent:
            future.set_running_or_notify_cancel()


@contextmanager
def cluster_executor(client: Client, on_lost: Callable[[str], None]) -> Iterator[Executor]:
    """Open the cluster as a pool.

    Args:
        client: connected; it outlives the pool.
        on_lost: called with the reason before all calls are cancelled; see `watch_cluster`.
    """
    executor = ClusterExecutor(client)

    def lose(reason: str) -> None:
        on_lost(reason)
        executor.cancel()

    with watch_cluster(client, lose):
        try:
            yield executor
        except BaseException:  # nobody waits any more, and a cluster without workers never ends
            executor.shutdown(wait=False)
            raise
        executor.shutdown(wait=not executor.is_cancelled)


@contextmanager
def watch_cluster(client: Client, on_lost: Callable[[str], None]) -> Iterator[None]:
    """Watch a cluster while the body runs.

    Args:
        client: connected to it.
        on_lost: called once, from a thread, with the reason, a clause for people, when its
            scheduler is gone, or when it has had no workers for 20 s.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(client, ended, on_lost), name="dask watch")
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _watch(client: Client, ended: threading.Event, on_lost: Callable[[str], None]) -> None:
    last_seen = time.monotonic()
    while not ended.wait(_LOOK_SECONDS):
        if client.status == "closed":
            on_lost(LOST_SCHEDULER)
            return
        if _has_workers(client):
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > _NO_WORKERS_SECONDS:
            on_lost(f"the Dask cluster has had no workers for {_NO_WORKERS_SECONDS:g} s")
            return


def _has_workers(client: Client) -> bool:
    try:
        return bool(client.nthreads())
    except (OSError, RuntimeError, ValueError):  # the scheduler is away; the client notices
        return True
