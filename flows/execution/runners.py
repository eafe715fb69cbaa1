"""Where shards run: threads of this process, or a Dask cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Protocol

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.execution.dask_executor import cluster_executor, watch_cluster
from flows.execution.dask_workers import check_cluster, prepare_joining_workers
from srcnn.errors import UsageError
from srcnn.extras import require_extra
from srcnn.runtime.cores import count_usable_cores
from srcnn.storage.url_credentials import check_url, redact

if TYPE_CHECKING:
    from distributed import Client

RunnerName = Literal["threads", "dask"]

_CONNECT_SECONDS = 5


class Runner(Protocol):
    """One place to work in, with and without Prefect.

    Attributes:
        remote: whether work runs in other processes, which see nothing of this one's memory.
        places: how many shards there must be at a time for all cores to have work.
        lost: why the place is gone, and its work was cancelled; empty while it is there.
    """

    remote: bool
    places: int
    lost: str

    def executor(self) -> AbstractContextManager[Executor]:
        """For plain calls."""

    def task_runner(self) -> TaskRunner[Any]:
        """For Prefect's task runs."""

    def watch(
        self, started: TaskRunner[Any], futures: Sequence[Any]
    ) -> AbstractContextManager[None]:
        """Cancel Prefect's futures if the place is lost while the body waits for them."""


class ThreadRunner:
    """Threads of this process; they wait for the pool that computes: `srcnn.batch.resources`."""

    remote = False
    places = 1  # the images of one shard share the cores
    lost = ""

    def __init__(self, workers: int | None) -> None:
        """Start nothing yet.

        Args:
            workers: shards in progress at a time; None for one more than the cores, so that one
                begins while another ends, and large images, alone in their shards, have company.
        """
        self._workers = workers or count_usable_cores() + 1

    def executor(self) -> AbstractContextManager[Executor]:
        """Create a pool of threads."""
        return _thread_pool(self._workers)

    def task_runner(self) -> TaskRunner[Any]:
        """Prefect's pool of threads."""
        return ThreadPoolTaskRunner(max_workers=self._workers)

    def watch(
        self,
        started: TaskRunner[Any],  # noqa: ARG002 - as the protocol has it
        futures: Sequence[Any],  # noqa: ARG002 - as above
    ) -> AbstractContextManager[None]:
        """Threads are there as long as the process is."""
        return nullcontext()


@contextmanager
def _thread_pool(workers: int) -> Iterator[Executor]:
    """Create a pool that is waited for, unless an exception such as the last signal ends it."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


class DaskRunner:
    """The workers of a Dask cluster that is already running."""

    remote = True

    def __init__(self, address: str) -> None:
        """Connect, and check that there are workers that have this package.

        Args:
            address: of the scheduler, such as tcp://127.0.0.1:8786.

        Raises:
            UsageError: it does not answer, has no workers, or they lack this package.
        """
        self._address = address
        self.lost = ""
        with self._client() as client:
            self.places = sum(client.nthreads().values())
            if not self.places:
                raise UsageError(
                    f"the Dask scheduler at {address} has no workers: start some first"
                )
            check_cluster(client)
            prepare_joining_workers(client)

    def executor(self) -> AbstractContextManager[Executor]:
        """Open the cluster as a pool."""
        return self._executor()

    def task_runner(self) -> TaskRunner[Any]:
        """Prefect's runner on that cluster."""
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra, and slow to import

        return DaskTaskRunner(address=self._address)

    def watch(
        self, started: TaskRunner[Any], futures: Sequence[Any]
    ) -> AbstractContextManager[None]:
        """Cancel the futures when the scheduler or all workers are gone."""
        client = started.client  # type: ignore[attr-defined] # of a DaskTaskRunner

        def lose(reason: str) -> None:
            self._lose(reason)
            if client.status != "closed":  # then they are cancelled
                client.cancel([future.wrapped_future for future in futures])

        return watch_cluster(client, lose)

    def _lose(self, reason: str) -> None:
        self.lost = reason

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        with self._client() as client, cluster_executor(client, self._lose) as executor:
            yield executor

    @contextmanager
    def _client(self) -> Iterator[Client]:
        from distributed import Client  # noqa: PLC0415 - an extra, and slow to import

        # They log a lost connection with a traceback; the run ends in a sentence about it.
        for name in ("distributed.client", "tornado.application"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            client = Client(self._address, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"the Dask scheduler at {redact(self._address)} cannot be reached "
                f"({redact(str(error)) or type(error).__name__}): check SRCNN_DASK_ADDRESS"
            ) from error
        with client:
            yield client


def make_runner(name: RunnerName, workers: int | None, dask_address: str | None) -> Runner:
    """Make the runner that the options name.

    Args:
        name: threads, or dask.
        workers: of threads; None for one more than the cores.
        dask_address: of the scheduler.

    Raises:
        UsageError: Dask is not installed, has no address, or does not answer.
    """
    if name == "threads":
        return ThreadRunner(workers)
    require_extra("dask", "--runner dask")
    if not dask_address:
        raise UsageError("--runner dask needs SRCNN_DASK_ADDRESS, such as tcp://127.0.0.1:8786")
    return DaskRunner(check_url(dask_address))
