"""Progress of a batch: a bar at a terminal, log lines or JSON lines elsewhere; and in Prefect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from rich.console import Console

from flows.output.output_mode import current_mode
from flows.output.prefect_artifacts import progress_artifact
from flows.output.progress_bar import format_figures, progress_bar
from srcnn.image_task import ImageResult, ImageTask
from srcnn.reporting.batch_progress import BatchProgress, BatchSnapshot
from tasks.logs import AnyLogger, logger

_LINE_SECONDS = 10.0

ShowResult = Callable[[ImageResult, BatchSnapshot], None]


@contextmanager
def show_progress(tasks: Sequence[ImageTask]) -> Iterator[Callable[[ImageResult], None]]:
    """Show progress while the body runs, in the current output mode.

    Args:
        tasks: the images to come.

    Yields:
        What to call with the result of each, once.
    """
    mode, console = current_mode.get(), Console(stderr=True)
    has_bar = bool(tasks) and mode.bar and console.is_terminal
    progress = BatchProgress(tasks)
    look = progress.snapshot
    show = mode.lines.result if mode.lines else None if has_bar else _log_now_and_then(logger())
    bar = (
        progress_bar(lambda: look().percent, lambda: format_figures(look()), console)
        if has_bar
        else nullcontext()
    )

    def add(result: ImageResult) -> None:
        progress.add(result)
        if show is not None:
            show(result, look())

    with progress_artifact(look), bar:
        yield add


def _log_now_and_then(log: AnyLogger) -> ShowResult:
    """Log progress, every ten seconds at the most."""
    logged = time.monotonic()

    def show(_result: ImageResult, snapshot: BatchSnapshot) -> None:
        nonlocal logged
        now = time.monotonic()
        if now - logged >= _LINE_SECONDS:
            logged = now
            log.info("%s", snapshot.text)

    return show
