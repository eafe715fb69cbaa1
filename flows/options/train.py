"""The options of the training flow, and what follows from them and the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from flows.options import json_schemas
from flows.options.base import Options
from flows.options.option_types import Flag, GlobsOption, Url
from flows.options.settings import Settings
from srcnn.errors import UsageError
from srcnn.graphs.graph_format import CLEAN
from srcnn.quality.conditions import name_qualities
from srcnn.runtime.cores import count_usable_cores
from srcnn.storage.folder import Folder
from srcnn.training.pictures import Wanted
from srcnn.training.training_record import Identity
from srcnn.training.training_spec import (
    DEFAULT_FACTORS,
    DEFAULT_QUALITIES,
    Device,
    TrainingSpec,
    list_measured_factors,
)

_NEUTRAL = "pictures of the user's own"


def _list_to_text(value: object) -> object:
    """Join a list: Python callers may write factors=[1.5, 2]."""
    return ",".join(f"{item}" for item in value) if isinstance(value, list | tuple) else value


def _check_factors(text: str) -> str:
    TrainingSpec.of(factors=_parse_factors(text), steps=1)
    return text


def _parse_factors(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"factors {text!r}: expected numbers separated by commas") from error


def _check_path(text: str) -> str:
    if "://" in text:
        raise UsageError("expected a local folder, got a URL")
    return text


def _check_qualities(text: str) -> str:
    TrainingSpec.of(qualities=_parse_qualities(text), steps=1)
    return text


def _parse_qualities(text: str) -> tuple[float, ...]:
    words = [part.strip() for part in text.split(",")]
    try:
        return tuple(sorted(CLEAN if word == "clean" else float(word) for word in words))
    except ValueError as error:
        raise UsageError(
            f"qualities {text!r}: expected clean, or numbers, separated by commas"
        ) from error


Factors = Annotated[
    str,
    BeforeValidator(_list_to_text),
    AfterValidator(_check_factors),
    WithJsonSchema(json_schemas.FACTORS),
]
Qualities = Annotated[
    str,
    BeforeValidator(_list_to_text),
    AfterValidator(_check_qualities),
    WithJsonSchema(json_schemas.QUALITIES),
]
Place = Annotated[str, Field(min_length=1), AfterValidator(_check_path)]


class TrainOptions(Options):
    """What to train on, for how long, and where the result goes."""

    src: Url = Field(
        description="Folder or bucket prefix with pictures to train on: a path, or "
        "s3://bucket/prefix."
    )
    dst: Url = Field(
        "models",
        description="Folder or bucket prefix of the current model, srcnn.onnx (the bundled model "
        "if there is none); the trained model replaces it if it is better.",
    )
    hours: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="Hours of training, over all starts. Give either --hours or --steps.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        description="Steps of training, over all starts. Give either --hours or --steps.",
    )
    factors: Factors = Field(
        ",".join(f"{factor:g}" for factor in DEFAULT_FACTORS),
        description="Factors above 1 with weights of their own, in ascending multiples of 1/16; "
        "weights in between are interpolated.",
    )
    qualities: Qualities = Field(
        name_qualities(DEFAULT_QUALITIES),
        description="Qualities of JPEG sources with weights of their own, multiples of 5, and "
        "clean for sources without loss; weights in between are interpolated. Without clean, its "
        "weights stay those of the start.",
    )
    validation: float = Field(
        0.1, gt=0, le=0.5, description="Share of the pictures held out for validation, 0 to 0.5."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of the random numbers.")
    start: Literal["current", "identity"] = Field(
        "current",
        description="Weights to start from: the current model's, or the identity, to train from "
        "scratch.",
    )
    device: Device = Field("auto", description="Device to train on; auto uses CUDA if available.")
    include: GlobsOption = Field(
        default_factory=list, description="Train only on pictures that match one of these globs."
    )
    exclude: GlobsOption = Field(
        default_factory=list, description="Leave out pictures that match one of these globs."
    )
    description: str = Field(
        _NEUTRAL,
        min_length=1,
        max_length=200,
        description="What the pictures show, for the model's record (srcnn.json).",
    )
    work: Place | None = Field(
        None,
        description="Local folder for the state of the training. Default: a folder in "
        "SRCNN_CACHE_DIR.",
    )
    restart: Flag = Field(
        default=False, description="Start over: discard the state of earlier starts."
    )


def make_spec(options: TrainOptions, settings: Settings) -> TrainingSpec:
    """Return what to train, and for how long.

    Raises:
        UsageError: neither hours nor steps are given, or both; or clean weights that are not
            trained come from nowhere.
    """
    if options.hours is not None and options.steps is not None:
        raise UsageError("give either --hours or --steps, not both")
    qualities = _parse_qualities(options.qualities)
    if options.start == "identity" and CLEAN not in qualities:
        raise UsageError(
            f"qualities {options.qualities}: without clean, its weights come from a model: add "
            "clean, or leave --start identity out"
        )
    return TrainingSpec.of(
        factors=_parse_factors(options.factors),
        qualities=qualities,
        steps=options.steps,
        hours=options.hours,
        seed=options.seed,
        device=options.device,
        threads=settings.threads or count_usable_cores(),
    )


def select_pictures(options: TrainOptions, spec: TrainingSpec, settings: Settings) -> Wanted:
    """Return which pictures to train on."""
    return Wanted(
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        share=options.validation,
        factors=tuple(list_measured_factors(spec.anchors)),
        megapixels=settings.training_megapixels,
        max_input_megapixels=settings.max_input_megapixels,
    )


def make_identity(options: TrainOptions, spec: TrainingSpec) -> Identity:
    """Return what a later start must have in common with this one to resume it."""
    dst = resolve_place(options.dst)
    return Identity(
        src=resolve_place(options.src),
        include=tuple(map(str, options.include)),
        exclude=tuple(map(str, options.exclude)),
        validation=options.validation,
        factors=spec.anchors[1:],
        seed=spec.seed,
        start="identity" if options.start == "identity" else f"the model of {dst}",
        qualities=spec.trained_qualities,
    )


def resolve_place(url: str) -> str:
    """Return the absolute path or the URL of a folder, whatever the working folder is."""
    folder = Folder(url)
    return str(folder.local_path or folder.url)


def choose_work_path(options: TrainOptions, identity: Identity, settings: Settings) -> Path:
    """Return the folder of the training's state: `--work`, or one in the cache."""
    if options.work is not None:
        return Path(options.work).expanduser()
    return settings.cache_dir / "training" / identity.name
