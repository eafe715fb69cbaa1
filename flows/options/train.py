"""The options of the training flow, and what they and the settings mean for its work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from flows.options.base import Flag, Globs, Url
from flows.options.settings import Settings
from srcnn.errors import UsageError
from srcnn.runtime.cores import usable_cores
from srcnn.storage.folder import Folder
from srcnn.training.pictures import Wanted
from srcnn.training.training_record import Identity
from srcnn.training.training_spec import DEFAULT_FACTORS, Device, TrainingSpec, between

_FACTOR = r"[0-9]+(\.[0-9]+)?"
FACTORS_PATTERN = rf"^{_FACTOR}(,{_FACTOR})*$"
_NEUTRAL = "pictures of the user's own"


def _text_of_list(value: object) -> object:
    """Python callers may write factors=[1.5, 2]."""
    return ",".join(f"{item}" for item in value) if isinstance(value, list | tuple) else value


def _check_factors(text: str) -> str:
    TrainingSpec.of(factors=_factors(text), steps=1)
    return text


def _factors(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"factors {text!r}: expected numbers with commas between") from error


def _check_path(text: str) -> str:
    if "://" in text:
        raise UsageError("a training works in a folder of this machine: expected a path")
    return text


Factors = Annotated[
    str,
    BeforeValidator(_text_of_list),
    Field(json_schema_extra={"pattern": FACTORS_PATTERN}),
    AfterValidator(_check_factors),
]
Place = Annotated[str, Field(min_length=1), AfterValidator(_check_path)]


class TrainOptions(BaseModel):
    """What to train on, for how long, and where the result goes."""

    # Inputs stay out of errors: one could be an URL with a password in it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    src: Url = Field(
        description="Folder or bucket prefix with pictures to train on: a path, or "
        "s3://bucket/prefix."
    )
    dst: Url = Field(
        "models",
        description="Folder or bucket prefix with the model in use (srcnn.onnx; the bundled one "
        "counts where there is none), whose place the trained one takes if it is better.",
    )
    hours: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="Hours of training, over all starts; either this or --steps.",
    )
    steps: int | None = Field(
        None, ge=1, le=100_000_000, description="Steps of training; either this or --hours."
    )
    factors: Factors = Field(
        ",".join(f"{factor:g}" for factor in DEFAULT_FACTORS),
        description="Factors above 1 that have weights of their own, ascending, sixteenths at the "
        "finest; in between, weights are interpolated.",
    )
    validation: float = Field(
        0.1, gt=0, le=0.5, description="Share of the pictures that is held out, 0 to 0.5."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of everything random.")
    start: Literal["current", "identity"] = Field(
        "current",
        description="Weights to begin with: those of the current model, or the identity, from "
        "scratch.",
    )
    device: Device = Field(
        "auto", description="Where training computes: cuda where there is one (auto), cpu, cuda."
    )
    include: Globs = Field(
        default_factory=list, description="Train only on pictures that match a glob of these."
    )
    exclude: Globs = Field(
        default_factory=list, description="Leave out pictures that match a glob of these."
    )
    description: str = Field(
        _NEUTRAL,
        min_length=1,
        max_length=200,
        description="What the pictures are, in words, for the model's record.",
    )
    work: Place | None = Field(
        None,
        description="Folder on this machine for the state of the training; one below "
        "SRCNN_CACHE_DIR if unset.",
    )
    restart: Flag = Field(
        default=False, description="Start over: discard the state of earlier starts."
    )


def spec_of(options: TrainOptions, settings: Settings) -> TrainingSpec:
    """What to train.

    Raises:
        UsageError: the length is missing, or said twice.
    """
    if options.hours is not None and options.steps is not None:
        raise UsageError("--hours and --steps: give one of the two")
    return TrainingSpec.of(
        factors=_factors(options.factors),
        steps=options.steps,
        hours=options.hours,
        seed=options.seed,
        device=options.device,
        threads=settings.threads or usable_cores(),
    )


def wanted_of(options: TrainOptions, spec: TrainingSpec, settings: Settings) -> Wanted:
    """Which pictures to take."""
    return Wanted(
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        share=options.validation,
        factors=tuple(between(spec.anchors)),
        megapixels=settings.training_megapixels,
        max_input_megapixels=settings.max_input_megapixels,
    )


def identity_of(options: TrainOptions, spec: TrainingSpec) -> Identity:
    """What makes the training this one."""
    start = "identity" if options.start == "identity" else f"the model of {place_of(options.dst)}"
    return Identity(
        src=place_of(options.src),
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        validation=options.validation,
        factors=spec.anchors[1:],
        seed=spec.seed,
        start=start,
    )


def place_of(url: str) -> str:
    """A folder by one name, wherever the command is run."""
    folder = Folder(url)
    return str(folder.local_path or folder.url)


def work_path_of(options: TrainOptions, identity: Identity, settings: Settings) -> Path:
    """Where the training's state is kept."""
    if options.work is not None:
        return Path(options.work).expanduser()
    return settings.cache_dir / "training" / identity.name
