"""The output mode of the command line: for people, quiet, or JSON lines.

Flows do not choose it: whatever they show goes through the current mode.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass

from flows.output.json_lines import JsonLines


@dataclass(frozen=True)
class OutputMode:
    """What is shown.

    Attributes:
        bar: a progress bar, if standard error is a terminal.
        lines: JSON lines to standard output, or None.
        list_images: a line for each image of a dry run.
    """

    bar: bool = True
    lines: JsonLines | None = None
    list_images: bool = False


current_mode: ContextVar[OutputMode] = ContextVar("output mode", default=OutputMode())  # noqa: B039 - frozen


def choose_mode(*, quiet: bool, json: bool, list_images: bool = False) -> None:
    """Choose the mode for the rest of this process.

    Args:
        quiet: only warnings and errors on standard error.
        json: JSON lines on standard output; standard error is quiet then.
        list_images: a line for each image of a dry run.
    """
    is_quiet = quiet or json
    current_mode.set(OutputMode(not is_quiet, JsonLines() if json else None, list_images))
    if not is_quiet:
        return
    for handler in list_stream_handlers():
        handler.addFilter(_is_warning)


def list_stream_handlers() -> list[logging.StreamHandler]:  # type: ignore[type-arg] # of any stream
    """Return the handlers that write to this process's terminal; not those that log to a server."""
    loggers = [logging.getLogger(name) for name in ("", "prefect", "srcnn")]
    handlers = [handler for each in loggers for handler in each.handlers]
    return [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
