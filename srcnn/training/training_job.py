"""The inputs of a training run. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from srcnn.model.model_file import Model
from srcnn.training.pictures import Pictures
from srcnn.training.training_progress import TrainingProgress
from srcnn.training.work_folder import WorkFolder


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """The inputs of a training run.

    Attributes:
        pictures: to train and to validate on.
        start: the initial model; None for the identity.
        work: its folder.
        progress: tracks its validations; also has its spec.
        validate_every_seconds: of training, between two validations.
    """

    pictures: Pictures
    start: Model | None
    work: WorkFolder
    progress: TrainingProgress
    validate_every_seconds: float
