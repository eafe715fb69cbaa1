"""Runs a command in this process: for what it says, which takes no process of its own."""

from __future__ import annotations

import contextvars
import io
import logging
import signal
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from cyclopts import App
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.cli import run
from flows.output.output_mode import list_stream_handlers


def run_here(
    app: App, *arguments: str | Path, api_url: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command without a Prefect API, unless one is given.

    What it changes in this process is as before afterwards.

    Args:
        app: the command.
        arguments: of its command line.
        api_url: what PREFECT_API_URL would be.
        environment: variables to add.
    """
    tokens = [str(word) for word in arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    api = {PREFECT_API_URL: api_url} if api_url else {}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in environment.items():
            patch.setenv(name, value)
        stack.enter_context(temporary_settings(api, restore_defaults={PREFECT_API_URL}))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(_restored_process())
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        status = contextvars.copy_context().run(run, app, tokens)
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(tokens, status, *said)


@contextmanager
def _restored_process() -> Iterator[None]:
    """Restore how signals are handled, and where the log goes and what it leaves out."""
    logger, handler = logging.getLogger("srcnn"), signal.getsignal(signal.SIGTERM)
    before = logger.handlers[:], logger.level, logger.propagate
    logger.handlers[:] = []
    filters = [(each, each.filters[:]) for each in list_stream_handlers()]
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        logger.handlers[:], logger.level, logger.propagate = before
        for each, kept in filters:
            each.filters[:] = kept
