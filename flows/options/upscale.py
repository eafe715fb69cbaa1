"""The options of the upscale flow: flow parameters, command line and README from one model."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from flows.execution.runners import RunnerName
from srcnn.failure_limit import FAILURE_LIMIT_PATTERN, parse_failure_limit
from srcnn.geometry import SCALE_HELP, SCALE_PATTERN, parse_scale
from srcnn.images.alpha import parse_colour
from srcnn.images.formats import Format
from srcnn.model.card import Convention
from srcnn.planning.globs import Patterns
from srcnn.planning.selection import Overwrite, WhenLarger
from srcnn.runtime.onnx_session import Precision, Provider
from srcnn.storage.urls import beside, check_url


def _text_of_number(value: object) -> object:
    """Python callers may write scale=2.5; its shortest text is what they meant."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _check_scale(text: str) -> str:
    parse_scale(text)
    return text


def _hex_colour(text: str) -> str:
    """One text for each colour, so that white and #fff make the same outputs."""
    return "#{:02x}{:02x}{:02x}".format(*parse_colour(text))


def _check_failure_limit(text: str) -> str:
    parse_failure_limit(text)
    return text


def _check_pattern(text: str) -> str:
    Patterns([text])
    return text


Url = Annotated[str, Field(min_length=1), AfterValidator(check_url)]
ScaleText = Annotated[
    str,
    BeforeValidator(_text_of_number),
    Field(json_schema_extra={"pattern": SCALE_PATTERN}),
    AfterValidator(_check_scale),
]
Colour = Annotated[str, AfterValidator(_hex_colour)]
Glob = Annotated[str, Field(min_length=1), AfterValidator(_check_pattern)]
FailureLimitText = Annotated[
    str,
    BeforeValidator(_text_of_number),
    Field(json_schema_extra={"pattern": FAILURE_LIMIT_PATTERN}),
    AfterValidator(_check_failure_limit),
]
# A list takes several values after one flag, and the flag may be given again.
Globs = Annotated[
    list[Glob], Parameter(consume_multiple=(1, None), negative=(), negative_iterable=())
]
Flag = Annotated[bool, Parameter(negative=())]
Track = Annotated[
    bool | None,
    Parameter(
        help="Track the run on the Prefect API, or on a temporary server where none is "
        "configured; only on an API that is configured, if unset."
    ),
]


class UpscaleOptions(BaseModel):
    """What to upscale, how large, and where to."""

    # Inputs stay out of errors: one could be an URL with a password in it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    src: Url = Field(description="Folder or bucket prefix to read: a path, or s3://bucket/prefix.")
    dst: Url | None = Field(
        None, description="Folder or prefix to write; <src>-upscaled, beside the source, if unset."
    )
    scale: ScaleText | None = Field(
        None, description=f"{SCALE_HELP.capitalize()}; 2, or the model's own factor, if unset."
    )
    scales: Url | None = Field(
        None,
        description="CSV (header path,scale) or JSON Lines file with a scale for each path or "
        "glob, the last match wins; scales.csv at the root of src if unset.",
    )
    model: Url = Field("bundled", description="ONNX file to upscale with: bundled, or an URL.")
    convention: Convention | None = Field(
        None,
        description="Pixels of a model that carries no description: bgr-byte (BGR 0..255; taken "
        "of graphs with a factor input) or rgb-unit (RGB 0..1; of all others).",
    )
    include: Globs = Field(
        default_factory=list, description="Upscale only images that match a glob of these."
    )
    exclude: Globs = Field(
        default_factory=list, description="Leave out images that match a glob of these."
    )
    format: Format = Field("keep", description="Format of the outputs.")
    quality: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Quality of JPEG, WebP and AVIF, 1 to 100; 95 for JPEG and AVIF, lossless for "
        "WebP if unset.",
    )
    flatten: Colour | None = Field(
        None,
        description="Colour behind images with alpha (white, #rrggbb) where the output's format "
        "holds none (JPEG, BMP, PNM); others keep their alpha. Without it such images are refused.",
    )
    metadata: Literal["keep", "strip"] = Field(
        "keep",
        description="keep or strip EXIF, ICC and XMP (BMP and PNM hold none). Stripped images "
        "are converted to sRGB; those of 16 bits keep another profile instead.",
    )
    overwrite: Overwrite = Field(
        "changed",
        description="Make outputs again that exist: changed (source, scale, options, model or "
        "the output itself differ from the record), always, never.",
    )
    when_larger: WhenLarger = Field(
        "copy", description="What becomes of images that already meet their target."
    )
    provider: Provider = Field("auto", description="ONNX Runtime execution provider.")
    precision: Precision = Field(
        "exact",
        description="Arithmetic of inference: exact (float32), or fast (from factor 3 on bfloat16, "
        "through OpenVINO, where the processor has it).",
    )
    max_failures: FailureLimitText | None = Field(
        None,
        description="End the run early when more images than this failed: a number such as 20, "
        "or a share of those requested such as 5%; never if unset.",
    )
    runner: RunnerName = Field(
        "threads",
        description="Where images are made: in threads of this process, or on the Dask cluster at "
        "SRCNN_DASK_ADDRESS.",
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Shards in hand at a time in this process, 1 to 1024; one more than the cores "
        "if unset. They share its cores and its memory.",
    )
    dry_run: Flag = Field(default=False, description="Write nothing; tell what would be done.")
    report: Url | None = Field(
        None, description="File to write the report to, besides <dst>/.srcnn/runs/."
    )

    @property
    def destination(self) -> str:
        """`dst`, or the source's name with `-upscaled`."""
        return self.dst or beside(self.src, "-upscaled")
