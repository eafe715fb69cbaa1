"""Prefect's temporary server, for a tracked run without a Prefect API.

It is the server that Prefect would start by itself, with three differences: it does not receive the
terminal's Ctrl-C, it ends with the run even if that is killed, and if it cannot start it says why
in a sentence.
"""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import prefect
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_HOME, get_current_settings

from srcnn.errors import UsageError
from srcnn.printable_text import one_line, shorten
from srcnn.storage.url_credentials import redact

# The first start makes the database: up to 25 s on two cores.
_STARTUP_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_PROGRAM = Path(__file__).with_name("serve_prefect.py")
_ENVIRONMENT = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}
_LONGEST_REASON = 300
_ERROR = re.compile(r"[\w.]*(?:Error|Exception): (.+)")  # the end of a traceback


class TemporaryServer(SubprocessASGIServer):
    """The server that Prefect's clients in this process use once it was made."""

    def start(self, timeout: int | None = None) -> None:
        """Start it, and wait until it answers.

        Args:
            timeout: in seconds; None for one that suits slow machines.

        Raises:
            UsageError: it did not start; the message says why.
        """
        if self.running:
            return
        _refuse_unwritable_home()
        self.port = self.find_available_port()
        self.server_process = self._run_uvicorn_command()
        atexit.register(self.stop)
        lines: list[str] = []
        reader = threading.Thread(target=self._read, args=(self.server_process, lines), daemon=True)
        reader.start()
        until = time.monotonic() + (timeout or _STARTUP_SECONDS)
        while not _answers(f"{self.api_url}/health"):
            if self.server_process.poll() is not None:
                reader.join()
                raise _build_error(_find_reason(lines))
            if time.monotonic() > until:
                raise _build_error(f"no answer within {timeout or _STARTUP_SECONDS:g} s")
            time.sleep(_LOOK_SECONDS)
        self.running = True

    def _run_uvicorn_command(self) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our interpreter and our file
            [
                *(sys.executable, "-P", str(_PROGRAM)),
                *("--app-dir", str(prefect.__module_path__.parent)),
                *("--factory", "prefect.server.api.server:create_app"),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--log-level", "error", "--lifespan", "on"),
            ],
            env={
                **os.environ,
                **_ENVIRONMENT,
                **get_current_settings().to_environment_variables(exclude_unset=True),
            },
            stdin=subprocess.PIPE,  # closed when this process ends, however it does
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # A terminal sends Ctrl-C to every process of the command. The server would end at once,
            # and the run, which still has images in progress, could not report on them.
            start_new_session=True,
        )

    def _read(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        """Keep what the server says while it starts; pass on what it says later."""
        for line in process.stderr or ():
            if self.running:
                sys.stderr.write(line)
            else:
                lines.append(line)


def _refuse_unwritable_home() -> None:
    """Check the folder of the server's database.

    Raises:
        UsageError: nothing can be written there.
    """
    home = PREFECT_HOME.value()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"0")
    except OSError as error:
        raise UsageError(
            f"Prefect's temporary server cannot write to its folder {home} "
            f"({os.strerror(error.errno or 0)}): set PREFECT_HOME to a folder that can be written, "
            "or run with --no-track"
        ) from error


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _find_reason(lines: list[str]) -> str:
    found = [match.group(1) for line in lines if (match := _ERROR.match(line))]
    reason = found[-1] if found else "".join(lines[-1:]).strip() or "it ended without a word"
    return shorten(one_line(redact(reason)), _LONGEST_REASON)


def _build_error(reason: str) -> UsageError:
    return UsageError(
        f"Prefect's temporary server did not start ({reason}): check its folder "
        f"{PREFECT_HOME.value()}, or set PREFECT_HOME to another one, PREFECT_API_URL to a running "
        "server, or run with --no-track"
    )
