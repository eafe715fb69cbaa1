"""The logger of a task or flow, inside a Prefect run and outside of one."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

AnyLogger: TypeAlias = logging.Logger | logging.LoggerAdapter[Any]


def logger() -> AnyLogger:
    """Return the run's logger, whose lines reach the server; a plain one outside a run."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("srcnn")
