"""Whether a flow runs on a Prefect API, on a temporary server, or without one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import httpx
from prefect import get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)

from flows.errors import Interrupted, ServerLostError
from flows.execution.outlive_log_reader import outlive_reader
from srcnn.errors import SrcnnError, UsageError
from srcnn.storage.url_credentials import redact

P = ParamSpec("P")
R = TypeVar("R")


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
            outlive_reader()  # Prefect logs before the flow begins
            try:
                return tracked(*args, **kwargs)
            except httpx.TransportError as error:
                raise ServerLostError(
                    f"the connection to the Prefect API was lost ({redact(str(error))}), so "
                    "Prefect does not know how the run ended: see the run's log and report; images "
                    "already written "
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
            # A server of a minute's life has nothing to report to anyone.
            PREFECT_SERVER_ANALYTICS_ENABLED: False,
        }
    ):
        # The server's own code takes seconds to import; other runs do without.
        from flows.execution.temporary_server import TemporaryServer  # noqa: PLC0415

        TemporaryServer().start()
        yield


def _refuse_dead_api() -> None:
    address = redact(str(PREFECT_API_URL.value()))
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
        try:
            if error is None:  # its health is public, the rest is not
                client.read_flows(limit=1)
        except httpx.HTTPStatusError as refusal:
            raise UsageError(
                f"the Prefect API at {address} refuses the request (status "
                f"{refusal.response.status_code}): check PREFECT_API_AUTH_STRING or "
                "PREFECT_API_KEY, or run with --no-track"
            ) from refusal
        except httpx.TransportError as failure:
            error = failure
    if error:
        raise UsageError(
            f"the Prefect API at {address} cannot be reached ({redact(str(error))}): "
            "check PREFECT_API_URL, or run with --no-track"
        )


def prepare_logs() -> None:
    """Let Prefect log as our commands do; first in a flow, whoever runs it.

    It logs what ends a task or flow with its traceback. Our own errors say in their text what
    failed and what to do; a signal needs no explanation.
    """
    outlive_reader()
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_drop_traceback)  # the same one is added once


def _drop_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], SrcnnError | Interrupted):
        record.exc_info = None
    return True
