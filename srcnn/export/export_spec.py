"""Options of an export: exporter, opset, and a fixed factor. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from srcnn.errors import UsageError
from srcnn.geometry import Factor
from srcnn.parse_scale import parse_scale

if TYPE_CHECKING:
    from srcnn.model.card import ExporterName

# Opsets that give correct graphs with torch 2.13. The TorchScript exporter supports up to 20. The
# dynamo exporter writes 18; converting to higher opsets is reliable, to lower ones it is not.
OPSETS: dict[ExporterName, range] = {"torchscript": range(11, 21), "dynamo": range(18, 25)}
# 13: before 2026, ONNX Runtime's CUDA provider had no Resize of a higher opset.
DEFAULT_OPSET: dict[ExporterName, int] = {"torchscript": 13, "dynamo": 18}


@dataclass(frozen=True)
class ExportSpec:
    """The graph to export.

    Attributes:
        exporter: which of torch's exporters to use.
        opset: version of the ONNX operator set.
        factor: the fixed factor; None makes the factor an input.
    """

    exporter: ExporterName
    opset: int
    factor: Factor | None = None

    @classmethod
    def of(cls, exporter: ExporterName, opset: int | None, scale: str | None) -> ExportSpec:
        """Parse the options of a user.

        Args:
            exporter: which of torch's exporters to use.
            opset: version of the ONNX operator set; None is the exporter's default.
            scale: the fixed factor (`3`, `2.5`, `2x3`); None makes the factor an input.

        Raises:
            UsageError: the exporter cannot write that opset, or the scale is not a factor.
        """
        supported = OPSETS[exporter]
        if opset is None:
            opset = DEFAULT_OPSET[exporter]
        if opset not in supported:
            raise UsageError(
                f"opset {opset}: the {exporter} exporter writes opsets {supported[0]} to "
                f"{supported[-1]}; choose one of these, or the other exporter"
            )
        factor = None if scale is None else parse_scale(scale)
        if factor is not None and not isinstance(factor, Factor):
            raise UsageError(
                f"scale {scale!r}: the fixed scale of a graph must be a factor, such as 3 or 2x3; "
                "a target in pixels needs the factor as an input: leave the scale out"
            )
        return cls(exporter, opset, factor)
