"""The options of the upscale flow: flow parameters, command line and tables from one model."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from flows.execution.runners import RunnerName
from flows.options import json_schemas
from flows.options.base import Options
from flows.options.option_types import (
    ColourOption,
    FailureLimitOption,
    Flag,
    FormatOption,
    GlobsOption,
    HeaderText,
    NameOption,
    ScaleOption,
    SourceQualityOption,
    Url,
)
from srcnn.model.pixel_format import Convention, Rounding
from srcnn.parse_scale import SCALE_HELP
from srcnn.planning.select_images import Overwrite, WhenLarger
from srcnn.runtime.onnx_session import Provider
from srcnn.source_quality import AUTO
from srcnn.storage.urls import add_suffix


class UpscaleOptions(Options):
    """What to upscale, how large, and where to."""

    src: Url = Field(
        description="Folder, bucket prefix or image to read: a path, or s3://bucket/prefix."
    )
    dst: Url | None = Field(
        None,
        description="Folder or prefix to write. Default: beside the source, with -upscaled "
        "after its name.",
    )
    scale: ScaleOption | None = Field(
        None,
        description=f"{SCALE_HELP.capitalize()}. A box is width by height. Default: 2, or the "
        "model's own factor if it is fixed.",
        json_schema_extra=json_schemas.SCALE,
    )
    scales: Url | None = Field(
        None,
        description="CSV (header path,scale or path,scale,quality,name), JSON Lines or Parquet "
        "file that gives each path or glob its scale, its source's quality as --source-quality "
        "does, and its output's name as --name does; the last match wins, of each name if there "
        "are several. Default: scales.csv at the root of --src, if it exists.",
    )
    only_listed: Flag = Field(
        default=False,
        description="Upscale the files that --scales lists by their paths, and do not list --src: "
        "rows without a scale take --scale; --scales may be a manifest.json of S3 Inventory.",
    )
    model: Url = Field("bundled", description="ONNX file to upscale with: bundled, or a URL.")
    convention: Convention | None = Field(
        None,
        description="Pixel format of a model that does not state it: rgb or bgr, in 0..1 (unit) or "
        "0..255 (byte). Default: bgr-byte for graphs with a factor input, rgb-unit for others.",
    )
    rounding: Rounding | None = Field(
        None,
        description="How the output of a model that does not state it becomes integers: nearest "
        "(the default), or truncate, as the tutorial of MMDeploy does.",
    )
    enlarge_first: Flag = Field(
        default=False,
        description="The model, of factor 1, takes pictures that are enlarged already, as the "
        "first SRCNN and VDSR do: enlarge each by the cubic of MATLAB and Pillow, then run it.",
    )
    source_quality: SourceQualityOption = Field(
        AUTO,
        description="JPEG quality of the sources, which a model may have weights for: auto reads "
        "it from each file; clean is without loss, as for a JPEG whose damage was shrunk away; 1 "
        "to 100 is for files that do not say, as a PNG that was once a JPEG.",
    )
    include: GlobsOption = Field(
        default_factory=list, description="Upscale only images that match one of these globs."
    )
    exclude: GlobsOption = Field(
        default_factory=list, description="Leave out images that match one of these globs."
    )
    format: FormatOption = Field("keep", description="Format of the outputs.")
    name: NameOption | None = Field(
        None,
        description="Template for the names of outputs, such as {stem}@2x{ext}; with a slash or "
        "{folder}, for their paths. {factor}, {width} and {height} are what the scale says. "
        "Default: the names of the sources.",
        json_schema_extra=json_schemas.NAME,
    )
    quality: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Quality of JPEG, WebP, AVIF and JPEG XL, 1 to 100. Default: 95 for JPEG and "
        "AVIF, 90 for JPEG XL, lossless for WebP.",
    )
    flatten: ColourOption | None = Field(
        None,
        description="Background colour (white, #rrggbb) for images with alpha whose output format "
        "has none (JPEG, BMP, PNM). If unset, such images are refused. Formats with alpha keep it.",
    )
    metadata: Literal["keep", "strip"] = Field(
        "keep",
        description="keep or strip EXIF, ICC and XMP (BMP and PNM hold none), resolution, texts "
        "and comments. Stripped images are converted to sRGB, except 16-bit ones, which keep a "
        "profile other than sRGB.",
    )
    object_metadata: Literal["copy", "none"] = Field(
        "copy",
        description="From bucket to bucket: copy the source's Cache-Control, Content-Disposition, "
        "Content-Language, user metadata and tags, or none of them.",
    )
    cache_control: HeaderText | None = Field(
        None,
        description="Cache-Control of the images written to a bucket, such as max-age=86400. "
        "Default: that of the source, or none.",
    )
    overwrite: Overwrite = Field(
        "changed",
        description="When to write existing outputs again: changed (the source, scale, options, "
        "model or output differs from the record), always, never.",
    )
    when_larger: WhenLarger = Field(
        "copy",
        description="What to do with images that are already large enough: copy, skip, or shrink "
        "them to their target.",
    )
    provider: Provider = Field("auto", description="ONNX Runtime execution provider.")
    max_failures: FailureLimitOption | None = Field(
        None,
        description="Stop the run once more images than this have failed, known failures apart: "
        "a number such as 20, or a share of those requested such as 5%. Default: no limit.",
        json_schema_extra=json_schemas.FAILURE_LIMIT,
    )
    known_failures: Url | None = Field(
        None,
        description="JSON Lines file of failed images that `srcnn history DST --failures` wrote. "
        "As long as the image's file and the type of its failure stay the same, it is reported as "
        "known, and does not change the exit status.",
    )
    runner: RunnerName = Field(
        "threads",
        description="Where images are processed: in threads of this process, or on the Dask "
        "cluster at SRCNN_DASK_ADDRESS.",
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Shards processed at the same time in this process, 1 to 1024. Default: one "
        "more than the number of cores. All share the cores and memory of the process.",
    )
    dry_run: Flag = Field(
        default=False,
        description="Write nothing; report what would be done, and estimate what it takes.",
    )
    report: Url | None = Field(
        None,
        description="File to write the report to, besides .srcnn/runs/ of the destination: JSON, "
        "or a table with a row for each image if its name ends in .csv or .parquet.",
    )

    @field_validator("only_listed")
    @classmethod
    def _refuse_no_list(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        if value and info.data.get("scales", "") is None:
            raise ValueError("the list is the file of --scales: give both")
        return value

    @model_validator(mode="before")
    @classmethod
    def _refuse_precision(cls, given: Any) -> Any:
        """Say more than "not permitted" to schedules of the time when there was a choice."""
        if isinstance(given, dict) and "precision" in given:
            raise ValueError(
                "the option precision is gone, as every image is computed in float32: remove it "
                "from the run's parameters"
            )
        return given

    @property
    def destination(self) -> str:
        """`dst`, or the source's name with `-upscaled`."""
        return self.dst or add_suffix(self.src, "-upscaled")
