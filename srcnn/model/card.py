"""The description of a graph: the card inside the `.onnx`, and the record `srcnn.json` next to it.

The card contains only what determines the graph, without times, paths or measurements: the same
checkpoint, options and versions give the same bytes, and so the same sha256, which decides
whether images are computed again. Measurements of the finished file are in the record.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from srcnn.errors import ModelError
from srcnn.geometry import MAX_FACTOR, MIN_FACTOR
from srcnn.graphs.graph_format import CLEAN
from srcnn.model.pixel_format import Convention, Rounding
from srcnn.validation_errors import describe_validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

METADATA_KEY = "srcnn.card"

ExporterName: TypeAlias = Literal["torchscript", "dynamo"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class CheckpointCard(_Frozen):
    """Where the weights came from.

    Attributes:
        url: URL without credentials, a file name, or `bundled`.
        sha256: of the whole file, 64 hex digits.
        convention: the pixels that the checkpoint expects. The graph always takes BGR 0..255:
            the conversion is folded into its weights.
    """

    url: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    convention: Convention


class ModelCard(_Frozen):
    """Identity and origin of a graph, and how to use its output.

    Attributes:
        name: `bundled`, `openmmlab-x4`, `tutorial`, or the checkpoint's file name.
        checkpoint: where the weights came from.
        exporter: which of torch's exporters wrote the graph.
        opset: version of the ONNX operator set.
        versions: of torch, onnx and onnxruntime, without local parts such as `+cpu`.
        scale: the fixed factor as users write it (`3`, `2x3`); None if it is an input.
        min_factor: the smallest factor that the graph supports.
        max_factor: the largest factor that the graph supports.
        rounding: how to convert the output to integers.
        tolerance: maximum difference from PyTorch that its check allowed, in grey levels.
        anchors: the factors that a bank's weights belong to, ascending; the graph interpolates
            between them. Empty for weights that do not depend on the factor.
        qualities: the JPEG qualities of sources that a bank's weights belong to, ascending to 100,
            which is without loss. Empty for weights that do not depend on the quality.
    """

    name: str
    checkpoint: CheckpointCard
    exporter: ExporterName
    opset: int
    versions: dict[str, str]
    scale: str | None = None
    min_factor: int = MIN_FACTOR
    max_factor: int = MAX_FACTOR
    rounding: Rounding = "nearest"
    tolerance: float
    # Left out if empty: the bytes of graphs without anchors do not change.
    anchors: list[float] = Field(default_factory=list, exclude_if=lambda anchors: not anchors)
    qualities: list[float] = Field(default_factory=list, exclude_if=lambda found: not found)

    @field_validator("anchors")
    @classmethod
    def _ascend(cls, anchors: list[float]) -> list[float]:
        ascending = all(left < right for left, right in pairwise(anchors))  # false for NaN
        if len(anchors) == 1 or not ascending or min(anchors, default=1) < 1:
            raise ValueError(
                f"expected no anchors, or at least two, ascending, from 1; got {anchors}"
            )
        return anchors

    @field_validator("qualities")
    @classmethod
    def _ascend_to_clean(cls, qualities: list[float], info: ValidationInfo) -> list[float]:
        if qualities and not info.data.get("anchors"):
            raise ValueError(f"expected anchors beside the qualities, got {qualities} alone")
        ascending = all(left < right for left, right in pairwise(qualities))  # false for NaN
        is_complete = len(qualities) > 1 and qualities[0] >= 1 and qualities[-1] == CLEAN
        if qualities and not (ascending and is_complete):
            raise ValueError(
                f"expected no qualities, or at least two, ascending, from 1 to exactly {CLEAN:g}; "
                f"got {qualities}"
            )
        return qualities

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelCard | None:
        """Read the card from a graph's metadata; None if there is no card.

        Args:
            metadata: by key, as in ONNX Runtime's `custom_metadata_map`.

        Raises:
            ModelError: the card cannot be read.
        """
        text = metadata.get(METADATA_KEY)
        if text is None:
            return None
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ModelError(
                f"the graph's metadata {METADATA_KEY!r} cannot be read: "
                f"{describe_validation(error)}; export the graph again"
            ) from error

    @classmethod
    def from_graph(cls, graph: onnx.ModelProto) -> ModelCard | None:
        """Read the card from a graph; None if it has none.

        Raises:
            ModelError: there is a card, and it cannot be read.
        """
        return cls.from_metadata({item.key: item.value for item in graph.metadata_props})

    def to_metadata(self) -> dict[str, str]:
        """Return the card as ONNX metadata; equal cards give equal text."""
        return {METADATA_KEY: self.model_dump_json()}


class ParityRow(_Frozen):
    """The difference between ONNX Runtime and PyTorch at one size, factor and quality.

    Attributes:
        size: height and width of the input in pixels.
        factor: as users write it; height by width if they differ.
        quality: of the source, 1 to 100; None if it was left out.
        max_abs_error: maximum difference in grey levels.
        mean_abs_error: mean difference in grey levels.
    """

    size: tuple[int, int]
    factor: str
    quality: float | None = Field(default=None, exclude_if=lambda quality: quality is None)
    max_abs_error: float
    mean_abs_error: float


class QualityRow(_Frozen):
    """The quality of a network and of bicubic interpolation at one factor and source quality.

    Means over pictures, on Y of BT.601, of results rounded to 8 bits, without a border of
    ceil(factor) px.

    Attributes:
        factor: as users write it.
        source_quality: JPEG quality of the pictures that were enlarged; 100 is without loss.
        psnr_db: peak signal to noise ratio in decibels.
        ssim: structural similarity.
        bicubic_psnr_db: of bicubic interpolation.
        bicubic_ssim: of bicubic interpolation.
    """

    model_config = ConfigDict(allow_inf_nan=False)  # JSON has no infinity and no NaN

    factor: str
    source_quality: float = Field(
        default=CLEAN, ge=1, le=CLEAN, exclude_if=lambda quality: quality == CLEAN
    )
    psnr_db: float
    ssim: float
    bicubic_psnr_db: float
    bicubic_ssim: float


class TrainingCard(_Frozen):
    """How a checkpoint was trained, and its quality on held-out pictures.

    Attributes:
        data: description of the pictures, without paths or URLs.
        images: number of pictures that it was trained on.
        validation_images: number of held-out pictures.
        steps: of the optimiser.
        seed: of all random numbers.
        hours: of training.
        factors: that it was trained for.
        qualities: JPEG qualities of the sources that it was trained for; empty if only without
            loss.
        started_from: the initial weights, in words.
        validation: the quality on the held-out pictures, a row for each factor and source quality.
    """

    model_config = ConfigDict(allow_inf_nan=False)  # JSON has neither

    data: str
    images: int
    validation_images: int
    steps: int
    seed: int
    hours: float
    factors: list[float]
    qualities: list[float] = Field(default_factory=list, exclude_if=lambda found: not found)
    started_from: str
    validation: list[QualityRow]


class ModelRecord(_Frozen):
    """The content of `srcnn.json`.

    Attributes:
        file: name of the graph next to it.
        sha256: of the graph file.
        size_bytes: of the graph file.
        model: the card in the graph.
        parity: measured at the export.
        training: how the checkpoint was trained; None if unknown.
    """

    file: str
    sha256: str
    size_bytes: int
    model: ModelCard
    parity: list[ParityRow]
    training: TrainingCard | None = None

    @property
    def anchors(self) -> list[float]:
        """The factors that the weights of a bank belong to; empty for a single network."""
        return self.model.anchors

    @property
    def qualities(self) -> list[float]:
        """The source qualities that they belong to; empty if they do not depend on it."""
        return self.model.qualities

    def to_json(self) -> bytes:
        """Return indented UTF-8 JSON, ending in a line feed."""
        return (self.model_dump_json(indent=2) + "\n").encode()
