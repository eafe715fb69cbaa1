"""Run the training task: show its progress, and stop on a signal with the state saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console

from flows.errors import Interrupted
from flows.execution.cancel_on_signal import cancel_on_signal
from flows.execution.task_calls import TaskCalls
from flows.output.output_mode import current_mode
from flows.output.prefect_artifacts import (
    Content,
    embed_svg,
    live_artifact,
    progress_artifact,
)
from flows.output.progress_bar import format_clock, progress_bar
from srcnn.batch.cancellation import Cancellation
from srcnn.training.gain_chart import draw_gain_chart
from srcnn.training.training_job import TrainingJob
from srcnn.training.training_progress import TrainingProgress
from tasks import train as tasks
from tasks.logs import logger

if TYPE_CHECKING:
    from srcnn.training.trainer import Trainer

CHART_KEY = "srcnn-training"


def run_training(calls: TaskCalls, job: TrainingJob) -> Trainer:
    """Train to the end.

    Args:
        calls: how tasks are called.
        job: the training.

    Raises:
        Interrupted: a signal ended it; its state is saved.
    """
    cancellation = Cancellation()
    log_progress = _make_progress_logger(job.progress)
    with (
        _show_progress(job.progress),
        cancel_on_signal(cancellation, "the current step", raising=True) as received,
    ):
        trainer = calls.call(
            tasks.train,
            job,
            is_stopped=lambda: cancellation.is_cancelled,
            log_progress=log_progress,
        )
    if received.number:
        raise Interrupted(received.number)
    return trainer


def _make_progress_logger(progress: TrainingProgress) -> Callable[[], None]:
    log = logger()
    return lambda: log.info("%s", progress.snapshot().text)


@contextmanager
def _show_progress(progress: TrainingProgress) -> Iterator[None]:
    """Show a bar at a terminal, and progress and a chart on the run's page in Prefect."""
    take_snapshot, console = progress.snapshot, Console(stderr=True)
    bar = (
        progress_bar(lambda: take_snapshot().percent, lambda: _format_progress(progress), console)
        if current_mode.get().bar and console.is_terminal
        else nullcontext()
    )
    with (
        progress_artifact(take_snapshot),
        live_artifact(CHART_KEY, "markdown", lambda: _draw_chart(progress)),
        bar,
    ):
        yield


def _format_progress(progress: TrainingProgress) -> str:
    now = progress.snapshot()
    return f"{now.percent:3.0f}% {now.where}, {format_clock(now.seconds_left)} left"


def _draw_chart(progress: TrainingProgress) -> Content:
    last = progress.points[-1:]
    caption = f"Validation at step {last[0].step}." if last else "No validation yet."
    chart = draw_gain_chart(progress.points, progress.spec)
    return Content(embed_svg(chart, "Gain over bicubic by step"), caption)
