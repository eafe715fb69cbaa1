"""Erase the height and width that a graph declares for its picture.

Exporters declare the size of the example. Most graphs take other sizes all the same, and ONNX
Runtime refuses them only because of the declaration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import onnx

from srcnn.geometry import Size
from srcnn.model.onnx_file import parse_onnx

Layout = Literal["nchw", "nhwc"]
"""The order of axes: of batch, channels, height and width."""

_RANK = 4
COLOURS = 3
CHANNELS = (1, COLOURS)
"""Of pictures that graphs take: luma, or colours."""


def find_layout(shape: Sequence[Any]) -> Layout:
    """Find the order of axes by which of them has three channels, or one.

    Args:
        shape: four lengths, or names of lengths that are not declared.
    """
    return "nhwc" if shape[3] in CHANNELS and shape[1] not in CHANNELS else "nchw"


def find_declared_size(shape: Sequence[Any]) -> Size | None:
    """Return the height and width that a shape declares; None unless both are numbers."""
    first = 2 if find_layout(shape) == "nchw" else 1
    height, width = shape[first : first + 2]
    return Size(height, width) if isinstance(height, int) and isinstance(width, int) else None


def free_axes(content: bytes) -> tuple[bytes, Size | None]:
    """Erase the declared height and width of the picture, and all sizes that follow from them.

    Args:
        content: of an ONNX file.

    Returns:
        The file, and the size that it declared; the same file if it declared none.
    """
    model = parse_onnx(content)
    weights = {tensor.name for tensor in model.graph.initializer}
    images = [
        value
        for value in model.graph.input
        if value.name not in weights and len(value.type.tensor_type.shape.dim) == _RANK
    ]
    declared = find_declared_size(_read_shape(images[0])) if len(images) == 1 else None
    if declared is None:
        return content, None
    layout = find_layout(_read_shape(images[0]))
    for index in (2, 3) if layout == "nchw" else (1, 2):
        images[0].type.tensor_type.shape.dim[index].Clear()
    for output in model.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()
    del model.graph.value_info[:]
    return model.SerializeToString(), declared


def _read_shape(value: onnx.ValueInfoProto) -> list[int | str]:
    dims = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in dims]
