"""A real Prefect server, its client and a worker, in processes that end with this one."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from prefect.client.orchestration import SyncPrefectClient

from tests.support.paths import ROOT
from tests.support.servers.seaweedfs import die_with_parent, free_ports

AUTH = "admin:only-for-these-tests"
_READY_SECONDS = 120.0


class Process:
    """A process in its own process group, with its output in a file."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        """Start it in the project's root folder."""
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, before exec
            )

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def terminate(self, timeout_seconds: float = 60) -> int:
        """Send SIGTERM, as a supervisor does; return the exit status."""
        self._process.terminate()
        return self._process.wait(timeout_seconds)

    def kill(self) -> None:
        """Kill it and its child processes."""
        if self.is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def tail(self) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-3000:]


class PrefectServer:
    """A server with a password and its own database; use it as a context manager.

    Attributes:
        home: PREFECT_HOME of the server and of every client; also holds the logs.
        api_url: of the server.
        url: of its pages.
        environment: of clients, without the settings of this process.
    """

    def __init__(self, **settings: str) -> None:
        """Start nothing yet.

        Args:
            settings: more variables for the server, such as PREFECT_SERVER_DATABASE_CONNECTION_URL.
        """
        self.home = Path(tempfile.mkdtemp(prefix="prefect-"))
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self.api_url = f"{self.url}/api"
        self._settings = settings
        self._processes: list[Process] = []
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SRCNN_", "PREFECT_", "AWS_", "FSSPEC_"))
        }
        self.environment = inherited | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_API_AUTH_STRING": AUTH,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_CLI_COLORS": "false",
            "PREFECT_CLI_WRAP_LINES": "false",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        """Start it, and wait until it responds."""
        server = self.start(
            *("server", "start", "--host", "127.0.0.1", "--port", str(self._port)),
            PREFECT_SERVER_API_AUTH_STRING=AUTH,
            PREFECT_SERVER_CSRF_PROTECTION_ENABLED="true",
            PREFECT_SERVER_UI_API_URL=self.api_url,  # its pages expect port 4200
            PREFECT_SERVER_ENCRYPTION_KEY=base64.urlsafe_b64encode(os.urandom(32)).decode(),
            **self._settings,
        )
        until = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if time.monotonic() > until or not server.is_alive():
                tail = server.tail()
                self.__exit__()
                raise RuntimeError(f"the Prefect server did not start:\n{tail}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        """Kill all processes that were started here, and delete their files."""
        for process in reversed(self._processes):
            process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start a Prefect command in the background."""
        log = self.home / f"{len(self._processes)}-{arguments[0]}.log"
        process = Process(_build_command(arguments), self.environment | environment, log)
        self._processes.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a Prefect command in the project's root folder, and wait for its end."""
        return subprocess.run(
            _build_command(arguments),
            cwd=environment.pop("cwd", ROOT),
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def client(self) -> SyncPrefectClient:
        """Create a client in this process; use it as a context manager."""
        return SyncPrefectClient(self.api_url, auth_string=AUTH)

    def _answers(self) -> bool:
        try:  # needs no password
            with urllib.request.urlopen(f"{self.api_url}/health", timeout=5) as reply:  # noqa: S310 - http
                return bool(reply.status == 200)
        except OSError:
            return False


class Deployment(PrefectServer):
    """A server with our deployments, and a worker for them."""

    def __init__(self, server: Mapping[str, str] | None = None, **worker: str) -> None:
        """Start nothing yet.

        Args:
            server: more variables for the server.
            worker: variables for the worker only, such as its credentials.
        """
        super().__init__(**(server or {}))
        self._worker = worker

    def __enter__(self) -> Self:
        """Follow the steps of deploy/README.md."""
        super().__enter__()
        try:
            self._check("work-pool", "create", "srcnn", "--type", "process")
            self._check("--no-prompt", "deploy", "--all", "--prefect-file", "deploy/prefect.yaml")
            self.worker = self.start(
                *("worker", "start", "--pool", "srcnn"),
                PREFECT_WORKER_QUERY_SECONDS="1",
                **self._worker,
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def _check(self, *arguments: str) -> None:
        done = self.run(*arguments)
        if done.returncode:
            raise RuntimeError(f"prefect {arguments} failed:\n{done.stdout}{done.stderr}")


def _build_command(arguments: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).parent / "prefect"), *arguments]
