"""Run a training in its work folder, and export the result for comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from srcnn.export.export_graph import make_graph
from srcnn.export.export_spec import ExportSpec
from srcnn.export.find_checkpoint import Source
from srcnn.model.card import TrainingCard
from srcnn.model.model_file import Model
from srcnn.storage.download import compute_sha256
from srcnn.training.devices import check_device
from srcnn.training.initial_weights import reinitialise_zero_filters
from srcnn.training.pictures import to_luma
from srcnn.training.trainer import Moment, Trainer
from srcnn.training.training_record import Point
from srcnn.training.weights_from_model import read_initial_weights

if TYPE_CHECKING:
    from srcnn.training.training_job import TrainingJob


def open_trainer(job: TrainingJob) -> Trainer:
    """Resume a training from its saved state, or begin it.

    Raises:
        UsageError: the initial model cannot be trained further, the device does not exist, or all
            pictures are too small.
        TrainingStateError: the state cannot be read, or belongs to other pictures.
    """
    spec, state_file = job.progress.spec, job.work.state_file
    check_device(spec.device)
    is_new = not state_file.exists()
    stack = None
    if job.start and is_new:
        stack = reinitialise_zero_filters(read_initial_weights(job.start, spec), spec.seed)
    planes = [to_luma(picture) for picture in job.pictures.held_out]
    return Trainer(spec, job.pictures.training, planes, stack, state_file)


def run_trainer(
    trainer: Trainer,
    job: TrainingJob,
    is_stopped: Callable[[], bool],
    log_progress: Callable[[], None],
) -> None:
    """Train to the end, or until stopped.

    Args:
        trainer: of the job.
        job: whose progress and work folder record the validations.
        is_stopped: called after each step.
        log_progress: called after each validation.
    """

    def record(moment: Moment) -> None:
        point = Point(moment.step, moment.seconds, moment.gains)
        if job.progress.add(point):
            job.work.add(point)
            log_progress()

    job.progress.follow(trainer)
    trainer.run(record, is_stopped, job.validate_every_seconds)


def build_candidate(trainer: Trainer) -> Model:
    """Export the trained weights as a model for comparison; it is not checked or published."""
    checkpoint = trainer.checkpoint({})
    source = Source("candidate", "candidate", (), None, "rgb-unit")
    graph = make_graph(checkpoint, source, ExportSpec.of("torchscript", None, None))
    return Model("candidate", graph, compute_sha256(graph))


def build_checkpoint(trainer: Trainer, card: TrainingCard) -> bytes:
    """Return the trained weights as a checkpoint, with their card, to be exported."""
    return trainer.checkpoint({"training": card.model_dump()})
