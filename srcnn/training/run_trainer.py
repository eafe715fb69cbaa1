"""One start of a training, in its folder: from pictures to weights, and to a model to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from srcnn.errors import UsageError
from srcnn.export.catalogue import Source
from srcnn.export.graph_spec import GraphSpec
from srcnn.export.pipeline import make_graph
from srcnn.model.card import TrainingCard
from srcnn.model.model_file import Model
from srcnn.storage.download import compute_sha256
from srcnn.training.initial_weights import read_start
from srcnn.training.pictures import to_luma
from srcnn.training.trainer import Moment, Trainer
from srcnn.training.training_record import Point

if TYPE_CHECKING:
    from srcnn.training.training_job import TrainingJob
    from srcnn.training.training_spec import Device


def open_trainer(job: TrainingJob) -> Trainer:
    """A training where it was left, or at its beginning.

    Raises:
        UsageError: the model to begin from cannot be trained on, the device is not there, or all
            pictures are small.
        TrainingStateError: the state cannot be read, or is not that of these pictures.
    """
    spec, state_file = job.progress.spec, job.work.state_file
    _check_device(spec.device)
    begins = not state_file.exists()
    stack = read_start(job.start, spec.anchors) if job.start and begins else None
    planes = [to_luma(picture) for picture in job.pictures.held_out]
    return Trainer(spec, job.pictures.training, planes, stack, state_file)


def run_trainer(
    trainer: Trainer, job: TrainingJob, stopped: Callable[[], bool], tell: Callable[[], None]
) -> None:
    """Train to the end, or until told to stop.

    Args:
        trainer: of the job.
        job: is told of validations, and remembers them.
        stopped: asked after each step.
        tell: called after each validation.
    """

    def remember(moment: Moment) -> None:
        point = Point(moment.step, moment.seconds, moment.gains)
        if job.progress.add(point):
            job.work.add(point)
            tell()

    job.progress.follow(trainer)
    trainer.run(remember, stopped, job.validate_every_seconds)


def candidate_of(trainer: Trainer) -> Model:
    """The trained weights as a model, to be judged; it is not checked, and not for keeping."""
    checkpoint = trainer.checkpoint({})
    source = Source("candidate", "candidate", (), None, "rgb-unit")
    graph = make_graph(checkpoint, source, GraphSpec.of("torchscript", None, None))
    return Model("candidate", graph, compute_sha256(graph))


def checkpoint_of(trainer: Trainer, card: TrainingCard) -> bytes:
    """The trained weights as a checkpoint to export, with what is known of them."""
    return trainer.checkpoint({"training": card.model_dump()})


def _check_device(device: Device) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "--device cuda: PyTorch finds no such device here; give --device cpu, or auto"
        )
