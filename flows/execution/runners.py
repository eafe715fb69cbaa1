"""Where shards run: threads of this process, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.execution.dask_executor import cluster_executor
from srcnn.errors import UsageError
from srcnn.extras import require_extra
from srcnn.runtime.cores import count_usable_cores

if TYPE_CHECKING:
    from distributed import Client

RunnerName = Literal["threads", "dask"]

_CONNECT_SECONDS = 10


class Runner(Protocol):
    """One place to work in, with and without Prefect.

    Attributes:
        remote: whether work runs in other processes, which see nothing of this one's memory.
        places: how many shards there must be at a time for all cores to have work.
    """

    remote: bool
    places: int

    def executor(self) -> AbstractContextManager[Executor]:
        """For plain calls."""

    def task_runner(self) -> TaskRunner[Any]:
        """For Prefect's task runs."""


class ThreadRunner:
    """Threads of this process; they wait for the pool that computes: `srcnn.batch.resources`."""

    remote = False
    places = 1  # the images of one shard share the cores

    def __init__(self, workers: int | None) -> None:
        """Start nothing yet.

        Args:
            workers: shards in progress at a time; None for one more than the cores, so that one
                begins while another ends, and large images, alone in their shards, have company.
        """
        self._workers = workers or count_usable_cores() + 1

    def executor(self) -> AbstractContextManager[Executor]:
        """Create a pool of threads."""
        return ThreadPoolExecutor(self._workers)

    def task_runner(self) -> TaskRunner[Any]:
        """Prefect's pool of threads."""
        return ThreadPoolTaskRunner(max_workers=self._workers)


class DaskRunner:
    """The workers of a Dask cluster that is already running."""

    remote = True

    def __init__(self, address: str) -> None:
        """Connect, and check that there are workers.

        Args:
            address: of the scheduler, such as tcp://127.0.0.1:8786.

        Raises:
            UsageError: it does not answer, or has no workers.
        """
        self._address = address
        with self._client() as client:
            self.places = sum(client.nthreads().values())
        if not self.places:
            raise UsageError(f"the Dask scheduler at {address} has no workers: start some first")

    def executor(self) -> AbstractContextManager[Executor]:
        """Open the cluster as a pool."""
        return self._executor()

    def task_runner(self) -> TaskRunner[Any]:
        """Prefect's runner on that cluster."""
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra, and slow to import

        return DaskTaskRunner(address=self._address)

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        with self._client() as client, cluster_executor(client) as executor:
            yield executor

    @contextmanager
    def _client(self) -> Iterator[Client]:
        from distributed import Client  # noqa: PLC0415 - an extra, and slow to import

        try:
            client = Client(self._address, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"the Dask scheduler at {self._address} cannot be reached "
                f"({str(error) or type(error).__name__}): check SRCNN_DASK_ADDRESS"
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
    return DaskRunner(dask_address)
