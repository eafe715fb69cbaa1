"""Write ONNX graphs node by node.

The inputs and outputs of the engine's graphs are float32, levels 0..255 whatever the picture's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from srcnn.inference.engine.network import Activation, Convolution

CELLS = "cells"
"""Input (C, H, W): a part of the picture."""
ROWS, COLUMNS = "rows", "columns"
"""Inputs: matrices that upsample it, (H', H) and (W, W')."""
PLANES = "planes"
"""Output (C, H', W'): the upsampled picture."""
BLOCKS = "blocks"
"""Output (1, block height * block width * planes, H, W) of the last convolution."""
_OPSET, _IR_VERSION = 18, 9
_END = 2**31 - 1


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

    def add_slice(self, value: str, starts: list[int], ends: list[int], axes: list[int]) -> str:
        """Add a slice, and return its output; an end of 0 is that of the axis."""
        if not any(starts) and not any(ends):
            return value
        bounds = (starts, [end or _END for end in ends], axes)
        names = [self.add_constant(each, np.int64) for each in bounds]
        return self.add_node("Slice", value, *names)

    def add_batch(self, planes: str) -> str:
        """Add the axis of the batch, which convolutions need, and return the output."""
        return self.add_node("Unsqueeze", planes, self.add_constant([0], np.int64))

    def add_luma(self, planes: str, weights: tuple[float, ...]) -> str:
        """Add the weighted sum of planes (C, H, W), and return its output (1, H, W)."""
        weighted = self.add_node("Mul", planes, self.add_constant(np.reshape(weights, (-1, 1, 1))))
        return self.add_node("ReduceSum", weighted, self.add_constant([0], np.int64))

    def add_upsampling(self, planes: str) -> str:
        """Add the two products with `ROWS` and `COLUMNS`, and return their output."""
        return self.add_node("MatMul", self.add_node("MatMul", ROWS, planes), COLUMNS)

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

    def to_bytes(self, outputs: dict[str, tuple[str, int]], more_inputs: tuple[str, ...]) -> bytes:
        """Make the ONNX file.

        Args:
            outputs: name of a value and number of its axes, by the name of the output.
            more_inputs: names of matrices that are inputs, besides `CELLS`.
        """
        for name, (value, _) in outputs.items():
            self.add_node("Identity", value, output=name)  # only names it, at no cost
        graph = onnx.helper.make_graph(
            self._nodes,
            "engine",
            _make_value_infos({CELLS: 3} | dict.fromkeys(more_inputs, 2)),
            _make_value_infos({name: axes for name, (_, axes) in outputs.items()}),
            initializer=self._constants,
        )
        opset = onnx.helper.make_opsetid("", _OPSET)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        content: bytes = model.SerializeToString()
        return content


def _make_value_infos(axes: dict[str, int]) -> list[onnx.ValueInfoProto]:
    return [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * count)
        for name, count in axes.items()
    ]
