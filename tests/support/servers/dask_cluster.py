"""A real Dask scheduler and worker processes on loopback; they end with their parent process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from distributed import Client

from tests.support.servers.seaweedfs import die_with_parent, free_ports

_READY_SECONDS = 60.0


class DaskCluster:
    """Use it as a context manager."""

    def __init__(self, workers: int, environment: dict[str, str]) -> None:
        """Start nothing yet.

        Args:
            workers: processes of one thread each.
            environment: their complete environment, with credentials.
        """
        self._count = workers
        self._environment = environment
        (port,) = free_ports(1)
        self.address = f"tcp://127.0.0.1:{port}"
        self._port = port
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start it, and wait until all workers have connected."""
        self._folder = tempfile.TemporaryDirectory(prefix="dask-")
        self._scheduler = self._start(
            *("scheduler", "--host=127.0.0.1", f"--port={self._port}", "--no-dashboard")
        )
        for _ in range(self._count):
            self.add_worker()
        with Client(self.address, timeout=_READY_SECONDS) as client:
            client.wait_for_workers(self._count, timeout=_READY_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill it."""
        for process in [*self.workers, self._scheduler]:
            process.kill()
            process.wait()
        self._folder.cleanup()

    def add_worker(self) -> None:
        """Start one more worker."""
        self.workers.append(
            self._start(
                *("worker", self.address, "--nthreads=1", "--no-dashboard", "--no-nanny"),
                *("--host=127.0.0.1", f"--local-directory={self._folder.name}"),
            )
        )

    def kill_worker(self) -> None:
        """Kill a worker without warning, as if its machine lost power."""
        process = self.workers.pop()
        process.kill()
        process.wait()

    def kill_scheduler(self) -> None:
        """Kill the scheduler without warning."""
        self._scheduler.kill()
        self._scheduler.wait()

    def wait_for(self, workers: int) -> None:
        """Wait until the scheduler has this number of workers."""
        until = time.monotonic() + _READY_SECONDS
        with Client(self.address, timeout=_READY_SECONDS) as client:
            while len(client.scheduler_info()["workers"]) != workers:
                if time.monotonic() > until:
                    raise TimeoutError(f"expected {workers} workers")
                time.sleep(0.1)

    def log(self) -> str:
        """Return the output of the scheduler and all workers."""
        return (Path(self._folder.name) / "log").read_text(errors="replace")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (Path(self._folder.name) / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                env=self._environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, before exec
            )
