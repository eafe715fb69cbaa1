"""The tasks of a training: load the current model, read pictures, train, compare, save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.inference.config import InferenceConfig
from srcnn.inference.upscaler import Upscaler
from srcnn.model.card import TrainingCard
from srcnn.model.model_file import Model
from srcnn.printable_text import one_line
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from srcnn.training.current_model import load_current_model
from srcnn.training.pictures import Pictures, Wanted, read_pictures
from srcnn.training.promotion import ConditionVerdict, Verdict, judge, make_enlarger
from srcnn.training.training_job import TrainingJob
from srcnn.training.training_spec import list_conditions, list_kept_conditions
from srcnn.training.work_folder import WorkFolder
from tasks.logs import logger

if TYPE_CHECKING:
    from srcnn.training.trainer import Trainer

_MAX_LOGGED_EXCLUSIONS = 20

# No task here retries: storage calls retry themselves, and repeating anything else gives the same
# result. Results are objects of this process, and stay in it.


@task(name="load-current", cache_policy=NO_CACHE)
def load_current(dst: str, limits: StorageLimits) -> Model:
    """Load the current model; see `srcnn.training.current_model`."""
    model = load_current_model(dst, limits)
    logger().info("current model %s, sha256 %s", model.url, model.sha256[:12])
    return model


@task(name="read-pictures", cache_policy=NO_CACHE)
def read_training_pictures(src: Folder, files: Mapping[str, FileInfo], wanted: Wanted) -> Pictures:
    """Decode pictures up to the size limit, and log which are left out."""
    pictures = read_pictures(src, files, wanted)
    log = logger()
    for key, reason in list(pictures.left_out.items())[:_MAX_LOGGED_EXCLUSIONS]:
        log.warning("left out: %s: %s", one_line(key), one_line(reason))
    if len(pictures.left_out) > _MAX_LOGGED_EXCLUSIONS:
        log.warning("left out: %d more", len(pictures.left_out) - _MAX_LOGGED_EXCLUSIONS)
    if pictures.surplus:
        surplus = "%d more pictures were not read: SRCNN_TRAINING_MEGAPIXELS is reached"
        log.info(surplus, pictures.surplus)
    log.info(
        "%d pictures to train on, %d held out, %d left out",
        len(pictures.training),
        len(pictures.held_out),
        len(pictures.left_out),
    )
    return pictures


@task(name="train", cache_policy=NO_CACHE)
def train(
    job: TrainingJob, *, is_stopped: Callable[[], bool], log_progress: Callable[[], None]
) -> Trainer:
    """Train to the end, or until it is stopped.

    Args:
        job: the training.
        is_stopped: called after each step.
        log_progress: called after each validation.
    """
    from srcnn.training import run_trainer  # noqa: PLC0415 - torch, only where it is needed

    trainer = run_trainer.open_trainer(job)
    if trainer.step:
        logger().info("resuming from step %d", trainer.step)
    run_trainer.run_trainer(trainer, job, is_stopped, log_progress)
    return trainer


@task(name="judge", cache_policy=NO_CACHE)
def compare(trainer: Trainer, current: Model, pictures: Pictures) -> Verdict:
    """Measure the trained model and the current one on the pictures held out."""
    from srcnn.training import run_trainer  # noqa: PLC0415 - as above

    log, spec = logger(), trainer.spec
    log.info("comparing on %d pictures held out", len(pictures.held_out))
    # One thread for each picture: they are compared in parallel.
    candidate, other = (
        make_enlarger(Upscaler.from_model(model, InferenceConfig("cpu", threads=1)))
        for model in (run_trainer.build_candidate(trainer), current)
    )

    def log_row(row: ConditionVerdict) -> None:
        log.info("%s", row.text)

    kept = list_kept_conditions(spec)
    conditions = sorted([*list_conditions(spec), *kept])
    return judge(
        candidate,
        other,
        pictures.held_out,
        conditions,
        on_verdict=log_row,
        kept=kept,
        threads=spec.threads,
    )


@task(name="keep-weights", cache_policy=NO_CACHE)
def save_weights(trainer: Trainer, card: TrainingCard, work: WorkFolder) -> Path:
    """Write the checkpoint into the training's folder."""
    from srcnn.training import run_trainer  # noqa: PLC0415 - as above

    return work.keep(run_trainer.build_checkpoint(trainer, card))
