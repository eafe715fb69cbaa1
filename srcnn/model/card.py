"""What a graph says of itself: the card inside the `.onnx`, and `srcnn.json` beside it.

The card is made of what went into the graph alone, with no time, no path and no
measurement in it: the same checkpoint, options and versions give the same bytes,
and so the same sha256, which is what decides whether images are computed again.
What was measured on the finished file stands in the record beside it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from srcnn.errors import ModelError
from srcnn.geometry import MAX_FACTOR, MIN_FACTOR
from srcnn.validation_errors import describe_validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx

METADATA_KEY = "srcnn.card"

Convention: TypeAlias = Literal["rgb-unit", "bgr-byte"]
"""How a checkpoint wants its pixels: RGB in [0, 1], or BGR in 0..255."""

Rounding: TypeAlias = Literal["nearest", "truncate"]
"""How the graph's float output becomes integers, after clipping."""

ExporterName: TypeAlias = Literal["torchscript", "dynamo"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class CheckpointCard(_Frozen):
    """Where the weights came from.

    Attributes:
        url: address without credentials, a file's name, or `bundled`.
        sha256: of the whole file, 64 hex digits.
        convention: the pixels that the checkpoint was made for. The graph takes BGR 0..255
            whatever this says: the difference is folded into its weights.
    """

    url: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    convention: Convention


class ModelCard(_Frozen):
    """What a graph is, where it came from, and how to use its output.

    Attributes:
        name: `bundled`, `openmmlab-x4`, `tutorial`, or the checkpoint's file name.
        checkpoint: where the weights came from.
        exporter: which of torch's exporters wrote the graph.
        opset: version of the ONNX operator set.
        versions: of torch, onnx and onnxruntime, without local parts such as `+cpu`.
        scale: the fixed factor as people write it (`3`, `2x3`); None when it is an input.
        min_factor: the smallest factor that the graph is made for.
        max_factor: the largest.
        rounding: how to turn the output into integers.
        tolerance: largest difference to PyTorch that its check allowed, in grey levels.
        anchors: the factors that a bank's weights belong to, ascending; between them the graph
            mixes. None for weights that are the same at every factor, or fixed at one.
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
    # Left out where empty: graphs without anchors stay what they were, byte for byte.
    anchors: list[float] = Field(default_factory=list, exclude_if=lambda anchors: not anchors)

    @field_validator("anchors")
    @classmethod
    def _ascend(cls, anchors: list[float]) -> list[float]:
        ascending = all(left < right for left, right in pairwise(anchors))  # NaN does not
        if len(anchors) == 1 or not ascending or min(anchors, default=1) < 1:
            raise ValueError(f"expected none, or two and more, ascending, from 1 up; got {anchors}")
        return anchors

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelCard | None:
        """Reads the card from a graph's metadata; None if it has none.

        Args:
            metadata: by key, as in ONNX Runtime's `custom_metadata_map`.

        Raises:
            ModelError: there is a card, and it cannot be read.
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
        """Reads the card from a graph; None if it has none.

        Raises:
            ModelError: there is a card, and it cannot be read.
        """
        return cls.from_metadata({item.key: item.value for item in graph.metadata_props})

    def to_metadata(self) -> dict[str, str]:
        """The card as ONNX metadata, the same text for the same card."""
        return {METADATA_KEY: self.model_dump_json()}


class ParityRow(_Frozen):
    """How far ONNX Runtime and PyTorch are apart at one size and factor.

    Attributes:
        size: height and width of the input in pixels.
        factor: as people write it, height by width where they differ.
        max_abs_error: largest difference in grey levels.
        mean_abs_error: mean difference in grey levels.
    """

    size: tuple[int, int]
    factor: str
    max_abs_error: float
    mean_abs_error: float


class QualityRow(_Frozen):
    """How good a network is at one factor, and bicubic interpolation at the same.

    Means over pictures, on Y of BT.601, of results rounded to 8 bits, without a border of
    ceil(factor) px.

    Attributes:
        factor: as people write it.
        psnr_db: peak signal to noise ratio in decibels.
        ssim: structural similarity.
        bicubic_psnr_db: of bicubic interpolation.
        bicubic_ssim: of bicubic interpolation, too.
    """

    model_config = ConfigDict(allow_inf_nan=False)  # JSON has neither

    factor: str
    psnr_db: float
    ssim: float
    bicubic_psnr_db: float
    bicubic_ssim: float


class TrainingCard(_Frozen):
    """How a checkpoint was trained, and how good it was on pictures that were held out.

    Attributes:
        data: what pictures, in words; no path, no address.
        images: how many it was trained on.
        validation_images: how many were held out.
        steps: of the optimiser.
        seed: of what was random.
        hours: that it took.
        factors: that it was trained for.
        started_from: the weights that it began with, in words.
        validation: what was measured on the pictures held out, a row for each factor.
    """

    model_config = ConfigDict(allow_inf_nan=False)  # JSON has neither

    data: str
    images: int
    validation_images: int
    steps: int
    seed: int
    hours: float
    factors: list[float]
    started_from: str
    validation: list[QualityRow]


class ModelRecord(_Frozen):
    """The content of `srcnn.json`.

    Attributes:
        file: name of the graph beside it.
        sha256: of that file.
        size_bytes: of that file.
        model: the card that is also inside it.
        parity: what was measured when it was made.
        fast_loss_db: what `--precision fast` loses on photographs, in decibels of PSNR by factor;
            empty where it was not measured.
        training: how the checkpoint was trained; None where it does not say.
    """

    file: str
    sha256: str
    size_bytes: int
    model: ModelCard
    parity: list[ParityRow]
    fast_loss_db: dict[str, float] = Field(default_factory=dict)
    training: TrainingCard | None = None

    @property
    def anchors(self) -> list[float]:
        """The factors that the weights of a bank belong to; none for a single network."""
        return self.model.anchors

    def to_json(self) -> bytes:
        """UTF-8 JSON for people to read, ending in a line feed."""
        return (self.model_dump_json(indent=2) + "\n").encode()
