"""Graphs of the two forms that the engine computes, with random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CUBIC = {"mode": "cubic", "coordinate_transformation_mode": "pytorch_half_pixel"}
SRCNN = ((3, 64, 9, 9), "Relu", (64, 32, 1, 1), "Relu", (32, 3, 5, 5))
LUMA_SRCNN = ((1, 64, 9, 9), "Relu", (64, 32, 1, 1), "Relu", (32, 1, 5, 5))


def chain(*layers: Any, seed: int = 0, cubic: dict[str, Any] = CUBIC) -> bytes:
    """Make a graph of an upsampling and layers, with zero padding.

    Args:
        layers: (channels in, channels out, height, width) of convolutions, or names of operators.
        seed: of the weights.
        cubic: attributes of Resize.
    """
    nodes = [helper.make_node("Resize", ["input", "", "factor"], ["v"], **cubic)]
    more, constants = make_layers(layers, "v", np.random.default_rng(seed), is_padded=True)
    more[-1].output[0] = "output"
    return make_model([*nodes, *more], constants)


def luma_chain(  # noqa: PLR0913 - each may be wrong in its own way
    *layers: Any,
    border: tuple[int, int],
    seed: int = 0,
    pad: dict[str, Any] | None = None,
    weights: Any = (0.2, 0.5, 0.3),
    shape: tuple[int, ...] = (1, 3, 1, 1),
    axes: int = 1,
    concat: int = 1,
    added: str = "v",
) -> bytes:
    """Make a graph whose layers take luma, and whose output is added to the upsampled picture.

    Args:
        layers: as for `chain`.
        border: by how much it is repeated, in rows and columns.
        seed: of the weights.
        pad: attributes of Pad; by default the border is repeated.
        weights: of the channels in luma.
        shape: of these weights.
        axes: over which the weighted channels are summed.
        concat: axis along which the output is repeated.
        added: name of the value that the output is added to.
    """
    nodes = [
        helper.make_node("Resize", ["input", "", "factor"], ["v"], **CUBIC),
        helper.make_node("Mul", ["luma", "v"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "axes"], ["y"]),
        helper.make_node("Pad", ["y", "border"], ["w"], **(pad or {"mode": "edge"})),
    ]
    more, constants = make_layers(layers, "w", np.random.default_rng(seed), is_padded=False)
    last = more[-1].output[0]
    more.append(helper.make_node("Concat", [last] * 3, ["more"], axis=concat))
    more.append(helper.make_node("Add", ["more", added], ["output"]))
    numbers = {
        "luma": np.reshape(np.array(weights, np.float32), shape),
        "axes": np.array([axes], np.int64),
        "border": np.array([0, 0, *border, 0, 0, *border], np.int64),
    }
    constants += [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    return make_model([*nodes, *more], constants)


def make_layers(
    layers: tuple[Any, ...], name: str, rng: np.random.Generator, *, is_padded: bool
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Make the nodes of layers, and their weights; `name` is what the first one reads."""
    nodes, constants = [], []
    for index, layer in enumerate(layers):
        before, after = f"{name * (index + 1)}", f"{name * (index + 2)}"
        if isinstance(layer, str):
            nodes.append(helper.make_node(layer, [before], [after]))
            continue
        cin, cout, *kernel = layer
        weight = rng.normal(0, 1 / np.sqrt(cin * kernel[0] * kernel[1]), (cout, cin, *kernel))
        for kind, value in (("w", weight), ("b", rng.normal(0, 10, cout))):
            tensor = numpy_helper.from_array(value.astype(np.float32), f"{kind}{index}")
            constants.append(tensor)
        pads = [side // 2 * is_padded for side in kernel] * 2
        names = [before, f"w{index}", f"b{index}"]
        nodes.append(helper.make_node("Conv", names, [after], kernel_shape=kernel, pads=pads))
    return nodes, constants


def make_model(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]) -> bytes:
    """Make the file of a graph with a live factor."""
    value = helper.make_tensor_value_info
    inputs = [
        value("input", TensorProto.FLOAT, ["N", 3, "H", "W"]),
        value("factor", TensorProto.FLOAT, [4]),
    ]
    outputs = [value("output", TensorProto.FLOAT, ["N", 3, "P", "Q"])]
    graph = helper.make_graph(nodes, "chain", inputs, outputs, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content
