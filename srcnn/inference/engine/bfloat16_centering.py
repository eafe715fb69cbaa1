"""Prepare convolutions for bfloat16, which has a precision of 8 bits.

The values of a picture, and those after each layer, are near the values of middle grey. So all
values are computed as differences from those of middle grey: the differences are small, and so
are their rounding errors. Weights are rounded so that their sums stay the same: otherwise the
errors of the 81 weights that apply to one colour add up and change the brightness. In exact
arithmetic, the result does not change. Together this avoids two thirds of the loss
(docs/performance.md).
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
_CACHED = 32  # rounded weights of several networks


def to_bfloat16(values: npt.NDArray[Any]) -> Float32:
    """Round float32 to the nearest bfloat16, the upper 16 bits of float32, ties to even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)


def round_weights(weight: Float32) -> Float32:
    """Round weights to bfloat16, and carry each rounding error over to the next weight.

    So the sum of the weights of each output is kept.

    Args:
        weight: (channels out, channels in, height, width).
    """
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    result = np.zeros(flat.shape, dtype=np.float32)
    error = np.zeros(len(flat))
    for index in np.flatnonzero(flat.any(axis=0)):
        wanted = np.where(flat[:, index] == 0, 0, flat[:, index] + error)
        result[:, index] = to_bfloat16(wanted)
        error += np.where(flat[:, index] == 0, 0, flat[:, index] - result[:, index])
    return result.reshape(weight.shape)


@lru_cache(_CACHED)
def _round_weights_once(content: bytes, shape: tuple[int, ...]) -> Float32:
    """Call `round_weights`, cached: it is as slow as compiling, and graphs share weights."""
    return round_weights(np.frombuffer(content, np.float32).reshape(shape))


def centre(model: onnx.ModelProto) -> Float32:
    """Make one of the engine's graphs compute relative to middle grey, in place.

    Args:
        model: from `graph_writer.PLANES` to `graph_writer.VALUES`. Afterwards its input is
            planes minus `MIDDLE_GREY`.

    Returns:
        (channels, 1, 1) float32, to be added to the values that it then computes.
    """
    return _Centring(model.graph).run()


class _Centring:
    """Walks along a graph once, and subtracts from each value what middle grey gives."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        # Results of convolutions for middle grey, and what was subtracted from values, by name.
        self._grey: dict[str, npt.NDArray[np.float64]] = {}
        self._subtracted: dict[str, npt.NDArray[np.float64]] = {}
        self._readers = {node.input[0]: node for node in graph.node if node.op_type == "Conv"}
        others = [node for node in graph.node if node.op_type not in ("Add", "Identity")]
        self._activated = {name for node in others for name in node.input}
        self._offset: npt.NDArray[np.float64] = np.zeros(1)

    def run(self) -> Float32:
        """Rewrite the graph, and return what must be added to its values."""
        nodes = list(self._graph.node)
        first = next(node for node in nodes if node.op_type == "Conv")
        channels = self._read(first.input[1]).shape[1]
        self._subtracted[PLANES] = np.full(channels, MIDDLE_GREY)
        del self._graph.node[:]
        for node in nodes:
            self._graph.node.append(node)
            if node.op_type == "Conv":
                self._rewrite_convolution(self._graph.node[-1])
            elif node.op_type == "Slice" and node.input[0] in self._subtracted:
                self._subtracted[node.output[0]] = self._subtracted[node.input[0]]
            elif self._is_between_convolutions(node):
                self._rewrite_relu(self._graph.node[-1])
        return self._offset.astype(np.float32)[:, None, None]

    def _is_between_convolutions(self, node: onnx.NodeProto) -> bool:
        """Whether it is a Relu between two convolutions."""
        linked = node.input[0] in self._grey and node.output[0] in self._readers
        return linked and node.op_type == "Relu"

    def _rewrite_convolution(self, node: onnx.NodeProto) -> None:
        weight = self._read(node.input[1])
        bias = self._read(node.input[2]) if node.input[2:] else np.zeros(len(weight))
        bias = bias.astype(np.float64) + self._convolve_subtracted(node, weight)
        name = node.output[0]
        self._grey[name] = bias
        if name not in self._activated:  # one of the last convolutions
            self._offset = self._offset + bias
            bias = np.zeros_like(bias)
        self._add(f"{name}.weight", _round_weights_once(weight.tobytes(), weight.shape))
        self._add(f"{name}.bias", bias.astype(np.float32))
        node.input[:] = [node.input[0], f"{name}.weight", f"{name}.bias"]

    def _convolve_subtracted(self, node: onnx.NodeProto, weight: Float32) -> Any:
        """Return the convolution's result for what was subtracted from its input."""
        subtracted = self._subtracted.get(node.input[0])
        if subtracted is None:
            return 0.0
        groups = subtracted.size // weight.shape[1]
        sums = weight.sum(axis=(2, 3), dtype=np.float64).reshape(groups, -1, weight.shape[1])
        return np.einsum("goi,gi->go", sums, subtracted.reshape(groups, -1)).ravel()

    def _rewrite_relu(self, node: onnx.NodeProto) -> None:
        """Subtract from the result of an activation, after padding it with zeros."""
        result, plain = node.output[0], f"{node.output[0]}.plain"
        node.output[0] = plain
        pads = _remove_pads(self._readers[result])
        if any(pads):
            self._add(f"{result}.pads", np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64))
            nodes = onnx.helper.make_node("Pad", [plain, f"{result}.pads"], [f"{plain}.padded"])
            self._graph.node.append(nodes)
            plain = f"{plain}.padded"
        grey = np.maximum(self._grey[node.input[0]], 0)
        self._subtracted[result] = grey
        self._add(f"{result}.grey", -grey.astype(np.float32)[:, None, None])
        self._graph.node.append(onnx.helper.make_node("Add", [plain, f"{result}.grey"], [result]))

    def _read(self, name: str) -> Float32:
        return numpy_helper.to_array(self._constants[name])

    def _add(self, name: str, value: npt.NDArray[Any]) -> None:
        self._graph.initializer.append(numpy_helper.from_array(value, name))


def _remove_pads(node: onnx.NodeProto) -> list[int]:
    """Remove the padding of a convolution, and return it."""
    for item in node.attribute:
        if item.name == "pads":
            pads = list(item.ints)
            item.ints[:] = [0] * len(pads)
            return pads
    return []
