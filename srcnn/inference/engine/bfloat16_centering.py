"""Convolutions made ready for bfloat16, which keeps 8 bits of each number.

A picture's values, and those behind its layers, lie around those of middle grey. So all
are taken relative to what middle grey gives: the differences are small, and so is what
rounding takes from them. And weights are rounded so that their sums stay: else the errors of
81 weights that meet one colour add up to another brightness. In exact numbers, the result is
the same. Together they take two thirds of the loss away (docs/performance.md).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from srcnn.inference.engine.graph_writer import PLANES
from srcnn.inference.engine.network import Float32

MIDDLE_GREY = 128.0
_ROUNDED = 32  # weights that are kept rounded: some networks' worth


def to_bfloat16(values: npt.NDArray[Any]) -> Float32:
    """Float32 to the nearest that bfloat16 has: their upper 16 bits, ties to even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)


def round_weights(weight: Float32) -> Float32:
    """Weights in bfloat16, each output's sum kept: what one loses, the next takes on.

    Args:
        weight: (channels out, channels in, height, width).
    """
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    result = np.zeros(flat.shape, dtype=np.float32)
    lost = np.zeros(len(flat))
    for index in np.flatnonzero(flat.any(axis=0)):
        wanted = np.where(flat[:, index] == 0, 0, flat[:, index] + lost)
        result[:, index] = to_bfloat16(wanted)
        lost += np.where(flat[:, index] == 0, 0, flat[:, index] - result[:, index])
    return result.reshape(weight.shape)


@lru_cache(_ROUNDED)
def _round_weights_once(content: bytes, shape: tuple[int, ...]) -> Float32:
    """Cached `round_weights`, which is as slow as compiling; graphs of a network share weights."""
    return round_weights(np.frombuffer(content, np.float32).reshape(shape))


def centre(model: onnx.ModelProto) -> Float32:
    """Make the convolutions of one of the engine's graphs relative to middle grey, in place.

    Args:
        model: from `writer.PLANES` to `writer.VALUES`, to be fed planes less `MIDDLE_GREY`.

    Returns:
        (channels, 1, 1) float32, what is to be added to the values it then gives.
    """
    return _Centring(model.graph).run()


class _Centring:
    """One walk along a graph: what values are for middle grey, and by what they are moved."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._grey: dict[str, npt.NDArray[np.float64]] = {}  # what convolutions give for it
        self._moved: dict[str, npt.NDArray[np.float64]] = {}  # what was taken from values
        self._readers = {node.input[0]: node for node in graph.node if node.op_type == "Conv"}
        others = [node for node in graph.node if node.op_type not in ("Add", "Identity")]
        self._activated = {name for node in others for name in node.input}
        self._missing: npt.NDArray[np.float64] = np.zeros(1)

    def run(self) -> Float32:
        """Rewrite the graph, and give what is missing from its values."""
        nodes = list(self._graph.node)
        first = next(node for node in nodes if node.op_type == "Conv")
        channels = self._array(first.input[1]).shape[1]
        self._moved[PLANES] = np.full(channels, MIDDLE_GREY)
        del self._graph.node[:]
        for node in nodes:
            self._graph.node.append(node)
            if node.op_type == "Conv":
                self._convolution(self._graph.node[-1])
            elif node.op_type == "Slice" and node.input[0] in self._moved:
                self._moved[node.output[0]] = self._moved[node.input[0]]
            elif self._is_between_convolutions(node):
                self._relu(self._graph.node[-1])
        return self._missing.astype(np.float32)[:, None, None]

    def _is_between_convolutions(self, node: onnx.NodeProto) -> bool:
        """Whether it is a Relu that takes what one convolution gives, and the next takes."""
        linked = node.input[0] in self._grey and node.output[0] in self._readers
        return linked and node.op_type == "Relu"

    def _convolution(self, node: onnx.NodeProto) -> None:
        weight = self._array(node.input[1])
        bias = self._array(node.input[2]) if node.input[2:] else np.zeros(len(weight))
        bias = bias.astype(np.float64) + self._of_grey(node, weight)
        name = node.output[0]
        self._grey[name] = bias
        if name not in self._activated:  # among the last: their values are the result
            self._missing = self._missing + bias
            bias = np.zeros_like(bias)
        self._add(f"{name}.weight", _round_weights_once(weight.tobytes(), weight.shape))
        self._add(f"{name}.bias", bias.astype(np.float32))
        node.input[:] = [node.input[0], f"{name}.weight", f"{name}.bias"]

    def _of_grey(self, node: onnx.NodeProto, weight: Float32) -> Any:
        """What the convolution makes of what its input has been moved by."""
        moved = self._moved.get(node.input[0])
        if moved is None:
            return 0.0
        groups = moved.size // weight.shape[1]
        sums = weight.sum(axis=(2, 3), dtype=np.float64).reshape(groups, -1, weight.shape[1])
        return np.einsum("goi,gi->go", sums, moved.reshape(groups, -1)).ravel()

    def _relu(self, node: onnx.NodeProto) -> None:
        """Move what an activation gives; zeros that are padded to it move along."""
        result, plain = node.output[0], f"{node.output[0]}.plain"
        node.output[0] = plain
        pads = _taken_pads(self._readers[result])
        if any(pads):
            self._add(f"{result}.pads", np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64))
            nodes = onnx.helper.make_node("Pad", [plain, f"{result}.pads"], [f"{plain}.padded"])
            self._graph.node.append(nodes)
            plain = f"{plain}.padded"
        grey = np.maximum(self._grey[node.input[0]], 0)
        self._moved[result] = grey
        self._add(f"{result}.grey", -grey.astype(np.float32)[:, None, None])
        self._graph.node.append(onnx.helper.make_node("Add", [plain, f"{result}.grey"], [result]))

    def _array(self, name: str) -> Float32:
        return numpy_helper.to_array(self._constants[name])

    def _add(self, name: str, value: npt.NDArray[Any]) -> None:
        self._graph.initializer.append(numpy_helper.from_array(value, name))


def _taken_pads(node: onnx.NodeProto) -> list[int]:
    """The zeros that a convolution would put around its input, which it now will not."""
    for item in node.attribute:
        if item.name == "pads":
            pads = list(item.ints)
            item.ints[:] = [0] * len(pads)
            return pads
    return []
