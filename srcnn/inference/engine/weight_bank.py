"""Weights that a graph computes from its factor: evaluated for each factor, then constants.

The part of the graph that computes them is cut out and run by itself, by ONNX Runtime: whatever
its operators, the weights are those that the whole graph would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import onnx

from srcnn.errors import InferenceFailedError, ModelError
from srcnn.graphs.structure import Wiring
from srcnn.inference.engine.bounded_cache import kept
from srcnn.inference.engine.network import Float32, Network
from srcnn.runtime.onnx_session import Array, make_run, make_session

Weights: TypeAlias = Mapping[str, Array]
"""Values of a graph's weights by name."""

_KEPT_BYTES = 16 * 2**20  # a network of SRCNN's size takes 80 kB
# Height and width. Weights whose shape is the same at all of these are taken to keep it.
_TRIED = (
    *((1, 1), (1.1, 1.1), (1.5, 1.5), (2, 2), (2.5, 3.3), (3, 3)),
    *((4, 4), (5.7, 1.2), (8, 8), (1, 16), (16, 16)),
)


class WeightBank:
    """A network for each factor, all of one shape; threads may share it.

    Attributes:
        bytes_per_pixel: what computing a pixel takes.
    """

    def __init__(self, evaluate: Callable[[Float32], Network | None], like: Network) -> None:
        """Evaluate nothing yet.

        Args:
            evaluate: the network for a factor; None where it has another form.
            like: one of them.
        """
        self._evaluate = evaluate
        self._shapes = like.shapes
        self.bytes_per_pixel = like.bytes_per_pixel
        size = like.size_bytes
        self._kept = kept(self._checked, _KEPT_BYTES, lambda _: size, lambda f: f.tobytes())

    def at(self, factor: Float32) -> Network:
        """The network for a factor; equal where the weights are.

        Args:
            factor: (4,) float32 [1, 1, fh, fw], as the whole graph would be given it.

        Raises:
            InferenceFailedError: the runtime fails, or the weights have another shape.
        """
        return self._kept(factor)

    def _checked(self, factor: Float32) -> Network:
        network = self._evaluate(factor)
        if network is None or network.shapes != self._shapes:
            raise InferenceFailedError(
                f"at factor {factor[2]:.6g}x{factor[3]:.6g} the model's weights have the shapes "
                f"{network and network.shapes}, expected {self._shapes} as at other factors"
            )
        return network


def read_bank(
    model: onnx.ModelProto,
    wiring: Wiring,
    factor: str,
    names: list[str],
    read: Callable[[Weights], Network | None],
) -> WeightBank | None:
    """The networks of a graph with computed weights; None where these need more than the factor.

    So it is, too, where their shape follows the factor, or another form does.

    Args:
        model: the whole graph.
        wiring: of its graph.
        factor: name of the factor input.
        names: of the weights that are computed.
        read: the network with such weights; None where it has another form.
    """
    part = _cut_out(model, wiring.collect_sources(names), names)
    if {value.name for value in part.graph.input} - {factor}:
        return None
    feeds = [value.name for value in part.graph.input]
    try:
        weights = make_run(make_session(part.SerializeToString(), "cpu"))
    except ModelError:
        return None

    def evaluate(wanted: Float32) -> Network | None:
        values = weights(dict.fromkeys(feeds, wanted))
        return read(dict(zip(names, values, strict=True)))

    try:
        first, *others = (evaluate(np.array([1, 1, *each], np.float32)) for each in _TRIED)
    except InferenceFailedError:
        return None
    alike = first and all(each and each.shapes == first.shapes for each in others)
    return WeightBank(evaluate, first) if first and alike else None


def _cut_out(model: onnx.ModelProto, behind: set[str], outputs: list[str]) -> onnx.ModelProto:
    """The part of a graph that computes some values.

    Args:
        model: the whole graph.
        behind: the names of all values that go into it.
        outputs: what it is to give, float32.
    """
    whole = model.graph
    part = onnx.helper.make_graph(
        [node for node in whole.node if behind.intersection(node.output)],
        "weights",
        [value for value in whole.input if value.name in behind],
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs],
        [tensor for tensor in whole.initializer if tensor.name in behind],
    )
    return onnx.helper.make_model(
        part,
        opset_imports=model.opset_import,
        functions=model.functions,
        ir_version=model.ir_version,
    )
