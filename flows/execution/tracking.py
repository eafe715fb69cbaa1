"""Whether a flow runs on a Prefect API, on a temporary server, or without one."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import ParamSpec, TypeVar

import httpx
from prefect import get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

from flows.errors import Interrupted, ServerLostError
from srcnn.errors import SrcnnError, UsageError

P = ParamSpec("P")
R = TypeVar("R")

# The first start of the temporary server makes its database: up to 25 s on two cores.
EPHEMERAL_STARTUP_SECONDS = 120


def has_api() -> bool:
    """Whether a Prefect API is configured: PREFECT_API_URL, a profile, or `.env`."""
    return bool(PREFECT_API_URL.value())


def run_flow(
    tracked: Callable[P, R], untracked: Callable[P, R], *, track: bool | None
) -> Callable[P, R]:
    """Choose how a flow runs from the command line.

    Args:
        tracked: the flow.
        untracked: the flow's function.
        track: what the user said; None leaves it to whether an API is configured.
    """
    reason = "--no-track"
    if track is None:
        track = has_api()
        reason = "no Prefect API is configured; --track starts a temporary server"
    if not track:
        logging.getLogger("srcnn").info("not tracked: %s", reason)
        return untracked

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with _server():
            try:
                return tracked(*args, **kwargs)
            except httpx.TransportError as error:
                raise ServerLostError(
                    f"the connection to the Prefect API was lost ({error}), so Prefect does not "
                    "know how the run ended: see the run's log and report; images already written "
                    "are kept and will not be redone"
                ) from error

    return run


@contextlib.contextmanager
def _server() -> Iterator[None]:
    if has_api():
        _refuse_dead_api()
        yield
        return
    with temporary_settings(
        {
            PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: True,
            PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: EPHEMERAL_STARTUP_SECONDS,
            # A server of a minute's life has nothing to report to anyone.
            PREFECT_SERVER_ANALYTICS_ENABLED: False,
        }
    ):
        _start_temporary_server()
        yield


def _refuse_dead_api() -> None:
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    if error:
        raise UsageError(
            f"the Prefect API at {PREFECT_API_URL.value()} cannot be reached ({error}): "
            "check PREFECT_API_URL, or run with --no-track"
        )


def _start_temporary_server() -> None:
    """Start the server that Prefect would start by itself, but deaf to Ctrl-C.

    A terminal sends Ctrl-C to every process of the command. The server would end at once,
    and the run, which still has images in progress, could not report what became of them. A
    blocked signal stays blocked in a child: so the server starts from a thread that blocks it.

    Raises:
        UsageError: the server did not start.
    """
    # The server's own code takes seconds to import; other runs do without.
    from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415

    failures: list[BaseException] = []

    def start() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            SubprocessASGIServer().start()
        # Handed to the caller, who waits for this thread.
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    # Prefect keeps its settings in a context variable: the thread takes ours along.
    thread = threading.Thread(target=copy_context().run, args=(start,), daemon=True)
    thread.start()
    thread.join()
    for error in failures:
        raise UsageError(
            f"Prefect's temporary server did not start ({error}): run with --no-track, or set "
            "PREFECT_API_URL to a running server"
        ) from error


def hide_tracebacks() -> None:
    """Let Prefect log a user's mistake as a sentence; first in a flow, whoever runs it.

    It logs what ends a task or flow with its traceback. Our own errors say in their text what
    failed and what to do; a signal needs no explanation.
    """
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_drop_traceback)  # the same one is added once


def _drop_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], SrcnnError | Interrupted):
        record.exc_info = None
    return True
