"""Progress of a batch: one bar at a terminal, a line now and then elsewhere; and in Prefect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from rich.console import Console

from flows.output.mode import display
from flows.output.prefect_artifacts import progress_artifact
from flows.output.progress_bar import figures, progress_bar
from srcnn.job import Outcome, Work
from srcnn.reporting.progress import BatchProgress, Snapshot
from tasks.logs import AnyLogger

_LINE_SECONDS = 10.0


@contextmanager
def batch_progress(work: Sequence[Work], logger: AnyLogger) -> Iterator[BatchProgress]:
    """Show progress while the body runs, in the way that is in force: see `flows.output.mode`.

    Args:
        work: the images to come.
        logger: for lines, where standard error is no terminal.
    """
    shown, console = display.get(), Console(stderr=True)
    has_bar = bool(work) and shown.bar and console.is_terminal
    on_image = shown.lines.progress if shown.lines else log_lines(logger)
    progress = BatchProgress(work, None if has_bar else on_image)
    look = progress.snapshot
    bar = (
        progress_bar(lambda: look().percent, lambda: figures(look()), console)
        if has_bar
        else nullcontext()
    )
    with progress_artifact(look), bar:
        yield progress


def log_lines(logger: AnyLogger) -> Callable[[Outcome, Snapshot], None]:
    """Log how far it is, every ten seconds at the most."""
    told = time.monotonic()

    def tell(_outcome: Outcome, snapshot: Snapshot) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _LINE_SECONDS:
            told = now
            logger.info("%s", snapshot.text)

    return tell
