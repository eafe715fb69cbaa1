"""A progress bar at a terminal, and the figures beside that of a batch."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.text import Text

from flows.output.output_mode import list_stream_handlers
from srcnn.reporting.batch_progress import BatchSnapshot

_MOST_BAR_LETTERS, _LEAST_BAR_LETTERS = 24, 6
_FIGURES_LETTERS = 70  # beside the bar, which takes what is left


class _Bar(ProgressColumn):
    def __init__(self, percent: Callable[[], float], console: Console) -> None:
        self._percent, self._console = percent, console
        super().__init__()

    def render(self, _: Task) -> ProgressBar:
        left = max(_LEAST_BAR_LETTERS, self._console.width - _FIGURES_LETTERS)
        width = min(_MOST_BAR_LETTERS, left)
        return ProgressBar(total=100, completed=self._percent(), width=width)


class _Figures(ProgressColumn):
    def __init__(self, words: Callable[[], str]) -> None:
        self._words = words
        super().__init__()

    def render(self, _: Task) -> Text:
        return Text(self._words(), no_wrap=True, overflow="ellipsis")


def format_figures(now: BatchSnapshot) -> str:
    """Format the figures beside the bar of a batch.

    Args:
        now: how far it is.
    """
    failed = f", {now.failed} failed" if now.failed else ""
    return (
        f"{now.percent:3.0f}% {now.megapixels:.1f}/{now.megapixels_total:.1f} Mpx, "
        f"{now.megapixels_per_second:.1f} Mpx/s, {format_clock(now.seconds_left)} left, "
        f"{now.images}/{now.images_total} images{failed}"
    )


def format_clock(seconds: float | None) -> str:
    """Format a duration as 1:02:03 or 2:03."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def progress_bar(
    percent: Callable[[], float], words: Callable[[], str], console: Console
) -> Iterator[None]:
    """Show a bar while the body runs; it asks by itself for the progress.

    Args:
        percent: the progress, now.
        words: beside the bar.
        console: a terminal.
    """
    with (
        Progress(_Bar(percent, console), _Figures(words), console=console) as bar,
        _lines_above_bar(),
    ):
        bar.add_task("")
        yield


@contextmanager
def _lines_above_bar() -> Iterator[None]:
    """Send log lines through rich's stand-in for stderr, which keeps them above the bar.

    The handlers hold the real stderr since they were created.
    """
    streams = [
        (getattr(handler, "console", handler), handler.stream)
        for handler in list_stream_handlers()
        if handler.stream is sys.__stderr__
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
    elif isinstance(holder, logging.StreamHandler):
        holder.setStream(stream)
