"""The flow `train-srcnn`, and its command: train weights on the user's own pictures.

python flows/train.py --src photos --hours 4
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import start

    start()

import srcnn  # noqa: F401 # isort: skip - before Prefect, whose reports it switches off

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from prefect import flow
from prefect.context import FlowRunContext

from flows.cli import run as run_command
from flows.command_pages import PAGES
from flows.execution.end_state import complete
from flows.execution.run_names import name_after
from flows.execution.run_training import run_training
from flows.execution.task_calls import TaskCalls, choose_task_calls
from flows.execution.tracking import prepare_logs, run_flow
from flows.export import export_srcnn
from flows.make_command import PREFECT, RUN, TRAINING, WHAT, arrange, make_app
from flows.options.base import REQUIRED, refuse_missing
from flows.options.export import ExportOptions
from flows.options.option_types import Track
from flows.options.settings import Settings, load_settings
from flows.options.train import (
    TrainOptions,
    choose_work_path,
    make_identity,
    make_spec,
    resolve_place,
    select_pictures,
)
from flows.output.training_verdict import show_verdict
from srcnn.extras import require_extra
from srcnn.model.card import TrainingCard
from srcnn.model.model_file import Model
from srcnn.storage.download import compute_sha256
from srcnn.storage.folder import Folder
from srcnn.storage.plain_files import read_plain
from srcnn.training.pictures import Pictures, find_pictures
from srcnn.training.promotion import Verdict, name_start, read_card
from srcnn.training.training_job import TrainingJob
from srcnn.training.training_progress import TrainingProgress
from srcnn.training.training_record import Result, TrainingRecord
from srcnn.training.training_spec import TrainingSpec
from srcnn.training.work_folder import WorkFolder, find_changes, hold_work
from tasks import train as tasks
from tasks.credentials import use_credentials
from tasks.logs import logger

_HOUR = 3600


@flow(name="train-srcnn", flow_run_name=name_after("src"), validate_parameters=True)
def train_srcnn(options: TrainOptions = REQUIRED) -> dict[str, Any]:
    """Train a model, and replace the current one if it is better at every factor.

    Args:
        options: the pictures, how long to train, and where to publish.

    Returns:
        The fields of `srcnn.training.training_record.Result`.

    Raises:
        UsageError: an option is wrong, there are too few pictures, or torch is not installed.
        DestinationBusyError: another process trains in the work folder.
        TrainingStateError: the state of an earlier start cannot be read.
        Interrupted: a signal ended it; the same command resumes.
        SrcnnError: any error of the source, the model or the export.
    """
    prepare_logs()
    refuse_missing(options)
    settings, calls = load_settings(), choose_task_calls()
    use_credentials(settings.aws_block)
    spec = make_spec(options, settings)
    require_extra("train", "a training")
    Folder(options.dst, settings.storage).refuse_file()
    current = calls.call(tasks.load_current, options.dst, settings.storage)
    identity = make_identity(options, spec)
    path = choose_work_path(options, identity, settings)
    with hold_work(path, identity, restart=options.restart) as work:
        result = work.result
        if result is not None and _is_enough(result, options):
            return _report(
                result,
                f"nothing to do: this training finished after {result.steps} steps and "
                f"{result.hours:.2f} h. Give more --steps or --hours to continue it, or --restart "
                f"to start over. {result.verdict}",
            )
        try:
            result = _train(_Run(options, settings, spec, calls, work), current)
        except KeyboardInterrupt:
            if work.state_file.exists():
                logger().warning("training state saved in %s: run the same command to resume", path)
            raise
    return _report(result, result.verdict)


@dataclass(frozen=True)
class _Run:
    """What every step of a run needs."""

    options: TrainOptions
    settings: Settings
    spec: TrainingSpec
    calls: TaskCalls
    work: WorkFolder


def _train(run: _Run, current: Model) -> Result:
    """Train to the end, compare, and publish the model if it is better."""
    start = current if run.options.start == "current" else None
    record, pictures = _read_pictures(run, start)
    progress = TrainingProgress(run.spec, run.work.points)
    job = TrainingJob(pictures, start, run.work, progress, run.settings.validation_seconds)
    trainer = run_training(run.calls, job)
    # It may have been replaced during the training.
    current = run.calls.call(tasks.load_current, run.options.dst, run.settings.storage)
    verdict = run.calls.call(tasks.compare, trainer, current, pictures)
    show_verdict(verdict)
    now = progress.snapshot()
    card = TrainingCard(
        data=run.options.description,
        images=len(pictures.training),
        validation_images=len(pictures.held_out),
        steps=now.step,
        seed=run.spec.seed,
        hours=round(now.seconds / _HOUR, 3),
        factors=list(run.spec.anchors[1:]),
        qualities=list(run.spec.trained_qualities) if len(run.spec.qualities) > 1 else [],
        started_from=record.started_from,
        validation=[row.row for row in verdict.rows],
    )
    checkpoint = run.calls.call(tasks.save_weights, trainer, card, run.work)
    promoted, text = _promote(run, verdict, current, checkpoint)
    result = Result(
        steps=now.step,
        hours=now.seconds / _HOUR,
        dst=resolve_place(run.options.dst),
        promoted=promoted,
        verdict=text,
        checkpoint=checkpoint.name,
    )
    run.work.finish(result)
    return result


def _read_pictures(run: _Run, start: Model | None) -> tuple[TrainingRecord, Pictures]:
    """Read the pictures that the training began with, or all if it begins now."""
    src = Folder(run.options.src, run.settings.storage)
    wanted = select_pictures(run.options, run.spec, run.settings)
    files = find_pictures(src, wanted)
    record = run.work.record if run.work.state_file.exists() else None
    if record is not None:
        added = find_changes(run.work, record, files)
        if added:
            text = "%s since the training began: left for a later training"
            logger().info(
                text, "1 picture was added" if added == 1 else f"{added} pictures were added"
            )
        return record, run.calls.call(tasks.read_training_pictures, src, record.taken, wanted)
    pictures = run.calls.call(tasks.read_training_pictures, src, files, wanted)
    identity = make_identity(run.options, run.spec)
    started_from = name_start(start) if start else "identity"
    others = tuple(sorted(files.keys() - pictures.taken.keys()))
    record = TrainingRecord(identity, pictures.taken, started_from, others)
    run.work.begin(record)
    return record, pictures


def _promote(run: _Run, verdict: Verdict, current: Model, checkpoint: Path) -> tuple[bool, str]:
    """Replace the current model if the trained one is better; return whether, and why."""
    card = read_card(current)
    if card is not None and card.checkpoint.sha256 == compute_sha256(read_plain(checkpoint)):
        # An earlier start published it, and was killed before it wrote its result.
        return True, f"already promoted: {current.url} is this model"
    if not verdict.is_better:
        return False, (
            f"kept the current model: the trained one is {verdict.text}; the trained weights are "
            f"in {checkpoint}"
        )
    export = export_srcnn if FlowRunContext.get() else export_srcnn.fn
    url = export(ExportOptions(checkpoint=str(checkpoint), dst=run.options.dst))
    return True, f"promoted: {verdict.text}; {url}"


def _is_enough(result: Result, options: TrainOptions) -> bool:
    """Whether nothing is left to do. Another destination has another model to compare with."""
    by_steps = options.steps is not None and result.steps >= options.steps
    by_hours = options.hours is not None and result.hours >= options.hours
    return (by_steps or by_hours) and result.dst == resolve_place(options.dst)


def _report(result: Result, text: str) -> dict[str, Any]:
    """Log how the training ended, and return the flow's result with a state that says so."""
    logger().info("%s", text)
    return complete(asdict(result), text)


arrange(
    TrainOptions,
    {
        WHAT: ("src", "dst", "include", "exclude", "description"),
        TRAINING: ("hours", "steps", "factors", "qualities", "validation", "seed", "start"),
        RUN: ("device", "work", "restart"),
    },
    positional=("src",),
)
app = make_app("python flows/train.py", PAGES["train"])


@app.default
def main(
    options: Annotated[TrainOptions, Parameter(name="*")],
    *,
    track: Annotated[Track, Parameter(group=PREFECT)] = None,
) -> int:
    """Train weights on your own pictures; use them where they are better."""
    run_flow(train_srcnn, train_srcnn.fn, track=track)(options)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(app))
