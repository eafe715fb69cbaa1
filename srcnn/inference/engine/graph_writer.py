"""ONNX graphs written node by node, and what all of the engine's graphs begin and end with.

Every graph takes a part of a picture as it lies in memory, and gives blocks of pixels
of the result, already rounded: (places, block height * block width * channels).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx

from srcnn.inference.engine.network import Activation, Convolution
from srcnn.model.card import Rounding

PIXELS = "pixels"
PLANES = "planes"  # (1, C, H, W) float32, what the first convolution takes
VALUES = "values"  # (1, block channels, places down, places across) float32, what the last gives
BLOCKS = "blocks"
MEAN = "mean"
_OPSET, _IR_VERSION = 18, 9
# Grey levels of an element type for each of the 0..255 that the network knows: 65535 / 255.
LEVELS = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0, np.dtype(np.float32): 1.0}


class PixelFormat(NamedTuple):
    """What a graph's pixels are.

    Attributes:
        element: uint8 or uint16; float32 for 0..255 that is neither clipped nor rounded.
        channels: 3 for BGR, 1 for grey.
        rounding: how values become integers.
    """

    element: np.dtype[Any]
    channels: int
    rounding: Rounding = "nearest"


class GraphWriter:
    """A graph in the making."""

    def __init__(self) -> None:
        """Start empty."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._names = 0

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant."""
        name = self._name()
        array = np.ascontiguousarray(np.asarray(value, dtype=dtype)).reshape(np.shape(value))
        self._constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output, and give its name."""
        output = output or self._name()
        self._nodes.append(onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(
        self, value: str, layer: Convolution, *, has_bias: bool = True, **attributes: Any
    ) -> str:
        """Add a convolution; `attributes` are those of ONNX `Conv`."""
        inputs = [value, self.constant(layer.weight)]
        inputs += [self.constant(layer.bias)] if has_bias else []
        kernel = list(layer.weight.shape[2:])
        return self.node("Conv", *inputs, kernel_shape=kernel, **attributes)

    def activation(self, value: str, layer: Activation) -> str:
        """Add an activation."""
        attributes: dict[str, Any] = dict(layer.attributes)
        return self.node(layer.operator, value, **attributes)

    def content(
        self, inputs: dict[str, tuple[Any, int]], outputs: dict[str, tuple[Any, int]]
    ) -> bytes:
        """The ONNX file.

        Args:
            inputs: element type and number of axes by name.
            outputs: likewise.
        """
        graph = onnx.helper.make_graph(
            self._nodes,
            "engine",
            _values(inputs),
            _values(outputs),
            initializer=self._constants,
            value_info=_values({PLANES: (np.float32, 4), VALUES: (np.float32, 4)}),
        )
        model = onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        content: bytes = model.SerializeToString()
        return content


def _values(described: dict[str, tuple[Any, int]]) -> list[onnx.ValueInfoProto]:
    return [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(element)), [None] * axes
        )
        for name, (element, axes) in described.items()
    ]


def write_entry(graph: GraphWriter, kind: PixelFormat) -> str:
    """Pixels (H, W, C) to planes (C, H, W) float32 0..255."""
    planes = graph.node("Transpose", PIXELS, perm=[2, 0, 1])
    if kind.element != np.float32:
        planes = graph.node("Cast", planes, to=onnx.TensorProto.FLOAT)
    levels = LEVELS[kind.element]
    return planes if levels == 1 else graph.node("Div", planes, graph.constant(levels))


def write_exit(
    graph: GraphWriter,
    kind: PixelFormat,
    values: str,
    block_channels: int,
    more_inputs: dict[str, tuple[Any, int]] | None = None,
) -> bytes:
    """Values (1, block channels, places down, places across) to blocks of pixels, and their mean.

    The mean is that of the values before they are clipped: where one is not finite, it is not.

    Returns:
        The ONNX file.
    """
    levels = LEVELS[kind.element]
    values = graph.node("Identity", values, output=VALUES)  # a name for it; it costs nothing
    graph.node("ReduceMean", values, keepdims=0, output=MEAN)
    if levels != 1:
        values = graph.node("Mul", values, graph.constant(levels))
    if kind.element != np.float32:
        values = graph.node("Clip", values, graph.constant(0), graph.constant(255 * levels))
        values = graph.node("Round", values) if kind.rounding == "nearest" else values
        element = onnx.helper.np_dtype_to_tensor_dtype(kind.element)
        values = graph.node("Cast", values, to=element)
    flat = graph.node("Reshape", values, graph.constant([block_channels, -1], np.int64))
    graph.node("Transpose", flat, perm=[1, 0], output=BLOCKS)
    inputs = {PIXELS: (kind.element, 3)} | (more_inputs or {})
    return graph.content(inputs, {BLOCKS: (kind.element, 2), MEAN: (np.float32, 0)})
