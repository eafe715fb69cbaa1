"""Write ONNX graphs node by node, and the common beginning and end of the engine's graphs.

The input of each graph is a part of a picture as stored in memory. The output is blocks of
pixels of the result, already rounded: (places, block height * block width * channels).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx

from srcnn.inference.engine.network import Activation, Convolution
from srcnn.model.card import Rounding

PIXELS = "pixels"
PLANES = "planes"  # (1, C, H, W) float32, input of the first convolution
VALUES = "values"  # (1, block channels, places down, places across) float32, output of the last
BLOCKS = "blocks"
MEAN = "mean"
_OPSET, _IR_VERSION = 18, 9
# Grey levels of an element type per level of the network's 0..255; for uint16 65535 / 255.
LEVELS = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0, np.dtype(np.float32): 1.0}


class PixelFormat(NamedTuple):
    """The format of a graph's pixels.

    Attributes:
        element: uint8 or uint16; float32 for 0..255, neither clipped nor rounded.
        channels: 3 for BGR, 1 for grey.
        rounding: how values are converted to integers.
    """

    element: np.dtype[Any]
    channels: int
    rounding: Rounding = "nearest"


class GraphWriter:
    """Collects the nodes and constants of a graph."""

    def __init__(self) -> None:
        """Start with an empty graph."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._names = 0

    def _new_name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def add_constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant, and return its name."""
        name = self._new_name()
        array = np.ascontiguousarray(np.asarray(value, dtype=dtype)).reshape(np.shape(value))
        self._constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    def add_node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the output's name."""
        output = output or self._new_name()
        self._nodes.append(onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def add_convolution(
        self, value: str, layer: Convolution, *, has_bias: bool = True, **attributes: Any
    ) -> str:
        """Add a convolution, and return its output; `attributes` are those of ONNX `Conv`."""
        inputs = [value, self.add_constant(layer.weight)]
        inputs += [self.add_constant(layer.bias)] if has_bias else []
        kernel = list(layer.weight.shape[2:])
        return self.add_node("Conv", *inputs, kernel_shape=kernel, **attributes)

    def add_activation(self, value: str, layer: Activation) -> str:
        """Add an activation, and return its output."""
        attributes: dict[str, Any] = dict(layer.attributes)
        return self.add_node(layer.operator, value, **attributes)

    def to_bytes(
        self, inputs: dict[str, tuple[Any, int]], outputs: dict[str, tuple[Any, int]]
    ) -> bytes:
        """Make the ONNX file.

        Args:
            inputs: element type and number of axes, by name.
            outputs: element type and number of axes, by name.
        """
        graph = onnx.helper.make_graph(
            self._nodes,
            "engine",
            _make_value_infos(inputs),
            _make_value_infos(outputs),
            initializer=self._constants,
            value_info=_make_value_infos({PLANES: (np.float32, 4), VALUES: (np.float32, 4)}),
        )
        model = onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        content: bytes = model.SerializeToString()
        return content


def _make_value_infos(described: dict[str, tuple[Any, int]]) -> list[onnx.ValueInfoProto]:
    return [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(element)), [None] * axes
        )
        for name, (element, axes) in described.items()
    ]


def write_entry(graph: GraphWriter, pixel_format: PixelFormat) -> str:
    """Add the conversion of pixels (H, W, C) to planes (C, H, W) float32 0..255."""
    planes = graph.add_node("Transpose", PIXELS, perm=[2, 0, 1])
    if pixel_format.element != np.float32:
        planes = graph.add_node("Cast", planes, to=onnx.TensorProto.FLOAT)
    levels = LEVELS[pixel_format.element]
    return planes if levels == 1 else graph.add_node("Div", planes, graph.add_constant(levels))


def write_exit(
    graph: GraphWriter,
    pixel_format: PixelFormat,
    values: str,
    block_channels: int,
    more_inputs: dict[str, tuple[Any, int]] | None = None,
) -> bytes:
    """Add the conversion of values to blocks of pixels, and the mean of the values.

    The mean is computed before the values are clipped: if one of them is not finite, neither is
    the mean.

    Args:
        graph: where the conversion is added.
        pixel_format: of the blocks.
        values: name of (1, block channels, places down, places across) float32.
        block_channels: block height * block width * channels.
        more_inputs: element type and number of axes of other inputs of the graph, by name.

    Returns:
        The ONNX file.
    """
    levels = LEVELS[pixel_format.element]
    values = graph.add_node("Identity", values, output=VALUES)  # only names it, at no cost
    graph.add_node("ReduceMean", values, keepdims=0, output=MEAN)
    if levels != 1:
        values = graph.add_node("Mul", values, graph.add_constant(levels))
    if pixel_format.element != np.float32:
        values = graph.add_node(
            "Clip", values, graph.add_constant(0), graph.add_constant(255 * levels)
        )
        values = graph.add_node("Round", values) if pixel_format.rounding == "nearest" else values
        element = onnx.helper.np_dtype_to_tensor_dtype(pixel_format.element)
        values = graph.add_node("Cast", values, to=element)
    flat = graph.add_node("Reshape", values, graph.add_constant([block_channels, -1], np.int64))
    graph.add_node("Transpose", flat, perm=[1, 0], output=BLOCKS)
    inputs = {PIXELS: (pixel_format.element, 3)} | (more_inputs or {})
    return graph.to_bytes(inputs, {BLOCKS: (pixel_format.element, 2), MEAN: (np.float32, 0)})
