"""Everything that one start of a training is given. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from srcnn.model.model_file import Model
from srcnn.training.pictures import Pictures
from srcnn.training.training_progress import TrainingProgress
from srcnn.training.work_folder import WorkFolder


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """A training at work.

    Attributes:
        pictures: to train and to validate on.
        start: the model to begin from; None for the identity.
        work: its folder.
        progress: what is told of it, and its spec.
        validate_every_seconds: time of training between two validations.
    """

    pictures: Pictures
    start: Model | None
    work: WorkFolder
    progress: TrainingProgress
    validate_every_seconds: float
