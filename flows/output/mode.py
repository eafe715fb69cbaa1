"""How a run shows itself at the command line: to people, quietly, or as JSON lines.

The flow does not know of it: what it shows goes through the `Display` that is in force.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass

from flows.output.json_lines import JsonLines


@dataclass(frozen=True)
class Display:
    """What is shown.

    Attributes:
        bar: a progress bar, where standard error is a terminal.
        lines: JSON lines to standard output, or None.
    """

    bar: bool = True
    lines: JsonLines | None = None


display: ContextVar[Display] = ContextVar("display", default=Display())  # noqa: B039 - frozen


def show(*, quiet: bool, json: bool) -> None:
    """Choose for the rest of this process.

    Args:
        quiet: nothing on standard error but warnings and errors.
        json: JSON lines on standard output; standard error is quiet then.
    """
    if not (quiet or json):
        return
    display.set(Display(bar=False, lines=JsonLines() if json else None))
    for handler in stream_handlers():
        handler.addFilter(_is_warning)


def stream_handlers() -> list[logging.StreamHandler]:  # type: ignore[type-arg] # of any stream
    """The handlers that write to this process's terminal; not those that tell a server."""
    loggers = [logging.getLogger(name) for name in ("", "prefect", "srcnn")]
    handlers = [handler for each in loggers for handler in each.handlers]
    return [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
