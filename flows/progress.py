"""Progress of a batch: one bar at a terminal, a line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from srcnn.work import NOT_ATTEMPTED, Outcome, Work
from tasks.logs import AnyLogger

_LINE_SECONDS = 10.0
_MEGA = 1_000_000


class BatchProgress:
    """Counts outcomes, each image once, from any thread."""

    def __init__(self, work: list[Work], logger: AnyLogger, bar: Progress | None) -> None:
        """Start at nothing.

        Args:
            work: the images to come.
            logger: for lines, where there is no bar.
            bar: a started rich bar, or None.
        """
        self._megapixels = {item.source: item.size_out.pixels / _MEGA for item in work}
        self._total = sum(self._megapixels.values())
        self._logger = logger
        self._bar = bar
        self._task = bar.add_task("", total=self._total) if bar else None
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._done = 0.0
        self._failed = 0
        self._told = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Count an image, unless it was counted before or its turn never came."""
        with self._lock:
            not_attempted = outcome.error is not None and outcome.error.type == NOT_ATTEMPTED
            if outcome.source in self._seen or not_attempted:
                return
            self._seen.add(outcome.source)
            self._done += self._megapixels[outcome.source]
            self._failed += outcome.status == "failed"
            self._show()

    def _show(self) -> None:
        failed = f", {self._failed} failed" if self._failed else ""
        text = (
            f"{len(self._seen)} of {len(self._megapixels)} images, "
            f"{self._done:.1f} of {self._total:.1f} Mpx{failed}"
        )
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, description=text)
        elif time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            self._logger.info("%s", text)


@contextmanager
def batch_progress(work: list[Work], logger: AnyLogger) -> Iterator[BatchProgress]:
    """Show progress while the body runs.

    Args:
        work: the images to come.
        logger: for lines, where standard error is no terminal.
    """
    console = Console(stderr=True)
    if not work or not console.is_terminal:
        yield BatchProgress(work, logger, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar, _lines_above_bar():
        yield BatchProgress(work, logger, bar)


@contextmanager
def _lines_above_bar() -> Iterator[None]:
    """Let log lines go through rich's stand-in for stderr, which keeps them above the bar.

    The handlers took hold of the real stderr when they were made.
    """
    loggers = [logging.getLogger(name) for name in ("", "prefect", "srcnn")]
    handlers = [handler for each in loggers for handler in each.handlers]
    streams = [
        (getattr(handler, "console", handler), handler.stream)
        for handler in handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.__stderr__
    ]
    for holder, _ in streams:
        _write_to(holder, sys.stderr)
    try:
        yield
    finally:
        for holder, stream in streams:
            _write_to(holder, stream)


def _write_to(holder: Any, stream: Any) -> None:
    if isinstance(holder, Console):  # Prefect's handler prints through one of its own
        holder.file = stream
    else:
        holder.setStream(stream)
