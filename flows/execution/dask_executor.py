"""A Dask cluster as an executor; if the scheduler is lost, pending calls are cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from distributed import Client

P = ParamSpec("P")
R = TypeVar("R")

_LOOK_SECONDS = 1.0


class _Cluster(Executor):
    """Dask's own executor, and a list of what it has not answered yet."""

    def __init__(self, client: Client) -> None:
        # Not pure: a shard that failed would be taken for done with the same error.
        self._inner: Executor = client.get_executor(pure=False)
        self._client = client
        self._futures: list[Future[object]] = []

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        future: Future[R] = self._inner.submit(fn, *args, **kwargs)
        self._futures.append(future)  # type: ignore[arg-type] # only ever cancelled
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as the base has it
        self._inner.shutdown(wait=wait)

    def watch(self, ended: threading.Event) -> None:
        """Cancel what is waited for when the client has given its scheduler up.

        A result that was being fetched just then is an exception in Dask's own loop, and its
        future would stay pending for ever.
        """
        while not ended.wait(_LOOK_SECONDS):
            if self._client.status == "closed":
                for future in self._futures:
                    if future.cancel():
                        future.set_running_or_notify_cancel()  # wakes who waits for it
                return


@contextmanager
def cluster_executor(client: Client) -> Iterator[Executor]:
    """Open the cluster as a pool.

    Args:
        client: connected; it outlives the pool.
    """
    executor, ended = _Cluster(client), threading.Event()
    watcher = threading.Thread(target=executor.watch, args=(ended,), name="dask", daemon=True)
    watcher.start()
    try:
        yield executor
    except BaseException:  # nobody waits any more, and a cluster without workers never ends
        executor.shutdown(wait=False)
        raise
    else:
        executor.shutdown()
    finally:
        ended.set()
