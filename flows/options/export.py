"""The options of the export flow: flow parameters, command line and tables from one model."""

from __future__ import annotations

from pydantic import Field

from flows.options import json_schemas
from flows.options.base import Options
from flows.options.option_types import FixedFactor, Url
from srcnn.model.card import ExporterName
from srcnn.model.pixel_format import Convention


class ExportOptions(Options):
    """What to export, how, and where to."""

    checkpoint: Url = Field(
        "bundled",
        description="Weights to export: bundled, openmmlab-x4, tutorial, a URL or a path.",
    )
    sha256: str | None = Field(
        None,
        pattern="^[0-9A-Fa-f]{8,64}$",
        description="The checkpoint's sha256 in hex, or its first 8 digits or more. Required for a "
        "URL whose file name does not end in them, as in srcnn-4186f232.pth.",
        json_schema_extra=json_schemas.SHA256,
    )
    convention: Convention | None = Field(
        None,
        description="Pixels that a checkpoint given by URL or path was trained on: rgb-unit (RGB "
        "in 0..1, the default), bgr-byte (BGR in 0..255), rgb-byte or bgr-unit.",
    )
    dst: Url = Field("models", description="Folder or bucket prefix for srcnn.onnx and srcnn.json.")
    opset: int | None = Field(
        None,
        ge=11,
        le=24,
        description="ONNX operator set: 11 to 20 with torchscript (default 13), 18 to 24 with "
        "dynamo (default 18).",
    )
    exporter: ExporterName = Field("torchscript", description="PyTorch exporter to use.")
    scale: FixedFactor | None = Field(
        None,
        description="Fix the factor, 1 to 16, such as 3 or 2x3 (height by width). Default: the "
        "graph takes it as the input `factor`.",
        json_schema_extra=json_schemas.FIXED_FACTOR,
    )
