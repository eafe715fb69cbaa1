"""What graph to make: exporter, opset, live or fixed factor. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from srcnn.errors import UsageError
from srcnn.geometry import Factor, parse_scale

if TYPE_CHECKING:
    from srcnn.model.card import ExporterName

# What was seen to give correct graphs with torch 2.13. The TorchScript exporter ends at 20;
# the dynamo exporter writes 18 and converts upwards reliably, downwards only by luck.
OPSETS: dict[ExporterName, range] = {"torchscript": range(11, 21), "dynamo": range(18, 25)}
# 13: ONNX Runtime's CUDA provider had no Resize above it before 2026.
DEFAULT_OPSET: dict[ExporterName, int] = {"torchscript": 13, "dynamo": 18}


@dataclass(frozen=True)
class GraphSpec:
    """A graph to make.

    Attributes:
        exporter: which of torch's exporters.
        opset: version of the ONNX operator set.
        factor: the fixed factor; None keeps it an input.
    """

    exporter: ExporterName
    opset: int
    factor: Factor | None = None

    @classmethod
    def of(cls, exporter: ExporterName, opset: int | None, scale: str | None) -> GraphSpec:
        """Read what a user asked for.

        Args:
            exporter: which of torch's exporters.
            opset: version of the ONNX operator set; None is the exporter's default.
            scale: the factor to fix, as people write it (`3`, `2.5`, `2x3`), or None.

        Raises:
            UsageError: the exporter cannot write that opset, or the scale is no factor.
        """
        known = OPSETS[exporter]
        if opset is None:
            opset = DEFAULT_OPSET[exporter]
        if opset not in known:
            raise UsageError(
                f"opset {opset}: the {exporter} exporter writes opsets {known[0]} to {known[-1]}; "
                "choose one of these, or the other exporter"
            )
        factor = None if scale is None else parse_scale(scale)
        if factor is not None and not isinstance(factor, Factor):
            raise UsageError(
                f"scale {scale!r}: a graph's fixed scale is a factor, such as 3 or 2x3; "
                "a target in pixels needs the live factor: leave the scale out"
            )
        return cls(exporter, opset, factor)
