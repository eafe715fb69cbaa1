"""The options of the export flow."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from flows.options.base import Url
from srcnn.model.card import Convention, ExporterName


class ExportOptions(BaseModel):
    """What to export, how, and where to."""

    # Inputs stay out of errors: one could be an URL with a password in it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    checkpoint: Url = Field(
        "bundled",
        description="Weights to export: bundled, openmmlab-x4, tutorial, an URL, or a path.",
    )
    sha256: str | None = Field(
        None,
        pattern="^[0-9A-Fa-f]{8,64}$",
        description="The checkpoint's sha256 in hex, or its first 8 digits or more; an URL whose "
        "file name does not carry them (-4186f232.pth) needs it.",
    )
    convention: Convention | None = Field(
        None,
        description="Pixels that the checkpoint of an URL or path was made for: RGB in 0..1 "
        "(rgb-unit, taken when not said), or BGR in 0..255 (bgr-byte).",
    )
    dst: Url = Field("models", description="Folder or bucket prefix for srcnn.onnx and srcnn.json.")
    opset: int | None = Field(
        None,
        ge=11,
        le=24,
        description="ONNX operator set: 11 to 20 with torchscript (13 when not said), 18 to 24 "
        "with dynamo (18).",
    )
    exporter: ExporterName = Field("torchscript", description="Which of torch's exporters writes.")
    scale: str | None = Field(
        None,
        max_length=32,
        description="Fix the factor, 1 to 16, such as 3 or 2x3 (height by width); the graph has "
        "the input `factor` when not said.",
    )
