"""Operators that exporters do not write as they should be.

The upsampling is bicubic interpolation whose factor remains an input of the graph:

    upsample(image: float32[N, C, H, W], factor: float32[4]) -> float32[N, C, H', W']
    Resize(image, "", factor)       # ONNX; attributes: `graph_format.list_resize_attributes`

torch's own `interpolate` takes the factor as a Python number, which exporters write as a
constant. So the operator is defined here, in three parts: `_resize` computes it,
`_LiveResize.symbolic` translates it for the TorchScript exporter, and `emit_resize` for the
dynamo exporter, which does not use `symbolic`.

`repeat_border` is one Pad. The TorchScript exporter computes the numbers of its pads in the graph,
by 15 more nodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad

from srcnn.graphs.graph_format import list_resize_attributes


def _scale_length(pixels: int, factor: float) -> int:
    # ONNX Runtime's rule. torch would floor the float64 product: 51 for 1.3 x 40, not 52.
    return int(np.float32(pixels) * np.float32(factor))


# Opaque to tracing: nothing inside becomes part of a graph, not even `tolist`.
@torch.library.custom_op("srcnn::resize", mutates_args=())
def _resize(image: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    *outer, height, width = factor.tolist()
    if outer != [1, 1] or not (height > 0 and width > 0):
        raise ValueError(f"factor: expected [1, 1, fh, fw] above 0, got {factor.tolist()}")
    size = [_scale_length(image.shape[-2], height), _scale_length(image.shape[-1], width)]
    # Both size and factors are passed: as in Resize, the coordinates follow the given factors,
    # and not the quotient of the two sizes.
    align_corners = False
    upsampled: torch.Tensor = torch.ops.aten.upsample_bicubic2d.default(
        image, size, align_corners, height, width
    )
    return upsampled


@_resize.register_fake
def _(image: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:  # noqa: ARG001
    # The size depends on the value of the factor, so it is declared as unknown.
    context = torch.library.get_ctx()
    return image.new_empty(
        (*image.shape[:2], context.new_dynamic_size(), context.new_dynamic_size())
    )


class _LiveResize(torch.autograd.Function):
    """The operator for the TorchScript exporter, and for use outside an export."""

    @staticmethod
    def forward(ctx: Any, image: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        upsampled: torch.Tensor = _resize(image, factor)
        return upsampled

    @staticmethod
    def symbolic(g: Any, image: Any, factor: Any) -> Any:
        """Emit one Resize; `g` is torch's graph context."""
        types = {str: "s", int: "i", float: "f"}
        attributes = {
            f"{name}_{types[type(value)]}": value
            for name, value in list_resize_attributes(g.opset).items()
        }
        # The region of interest is for another coordinate mode. Opset 11 requires this input;
        # later opsets also accept an empty tensor.
        region = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
        return g.op("Resize", image, region, factor, **attributes)


def upsample(image: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Enlarge by bicubic interpolation (a = -0.75, half-pixel centres, clamped border).

    Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, with torch's a.

    Args:
        image: (N, C, H, W) float32, any range.
        factor: (4,) float32 [1, 1, fh, fw].

    Returns:
        (N, C, floor(H x fh), floor(W x fw)) float32, the products taken in float32.

    Raises:
        ValueError: the outer factors are not 1, or the inner ones are not above 0.
    """
    # torch.export does not use the `symbolic` of an autograd.Function.
    operator: Any = _resize if torch.compiler.is_exporting() else _LiveResize.apply
    upsampled: torch.Tensor = operator(image, factor)
    return upsampled


class _RepeatedBorder(torch.autograd.Function):
    """`repeat_border` for the TorchScript exporter, and for use outside an export."""

    @staticmethod
    def forward(ctx: Any, planes: torch.Tensor, px: int) -> torch.Tensor:  # noqa: ARG004
        return pad(planes, (px,) * 4, mode="replicate")

    @staticmethod
    def symbolic(g: Any, planes: Any, px: int) -> Any:
        """Emit one Pad; `g` is torch's graph context."""
        pads = g.op("Constant", value_t=torch.tensor([0, 0, px, px] * 2))
        return g.op("Pad", planes, pads, mode_s="edge")


def repeat_border(planes: torch.Tensor, px: int) -> torch.Tensor:
    """Repeat the outermost pixels.

    Args:
        planes: (N, C, H, W).
        px: to each side.

    Returns:
        (N, C, H + 2 px, W + 2 px).
    """
    if torch.compiler.is_exporting():
        return pad(planes, (px,) * 4, mode="replicate")
    extended: torch.Tensor = _RepeatedBorder.apply(planes, px)  # type: ignore[no-untyped-call] # torch's
    return extended


def emit_resize(image: Any, factor: Any) -> Any:
    """Emit one Resize at opset 18 for the dynamo exporter, which converts it to other opsets."""
    from onnxscript import opset18  # noqa: PLC0415 - only the dynamo exporter needs it

    attributes: dict[str, Any] = list_resize_attributes(18)
    return opset18.Resize(image, None, factor, None, **attributes)


def make_dynamo_translations() -> dict[Any, Any]:
    """Make the dynamo exporter's `custom_translation_table` for this operator."""
    return {torch.ops.srcnn.resize.default: emit_resize}
