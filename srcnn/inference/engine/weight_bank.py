"""Weights that a graph computes from factor and quality: evaluated for both, then constants.

The part of the graph that computes them is extracted and run by ONNX Runtime. So the weights are
the same as in the whole graph, whatever operators it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Condition
from typing import TypeAlias

import numpy as np
import onnx
from cachetools import LRUCache, cached

from srcnn.errors import InferenceFailedError, ModelError
from srcnn.graphs.graph_format import CLEAN, round_quality
from srcnn.graphs.graph_wiring import Wiring
from srcnn.inference.engine.network import Float32, Network
from srcnn.runtime.onnx_session import Array, make_run, make_session

Weights: TypeAlias = Mapping[str, Array]
"""Values of a graph's weights by name."""

Evaluate: TypeAlias = Callable[[Float32, float], Network | None]
"""Computes the network for a factor and a quality; None if it has another form."""

_LIMIT_BYTES = 16 * 2**20  # a network of SRCNN's size takes 80 kB
# Height, width and quality. Weights of the same shape at all of these are assumed to keep it.
_TRIED = (
    *((1, 1, CLEAN), (1.1, 1.1, 97.5), (1.5, 1.5, 95), (2, 2, CLEAN), (2.5, 3.3, 90), (3, 3, 75)),
    *((4, 4, CLEAN), (5.7, 1.2, 60), (8, 8, 30), (1, 16, 2.5), (16, 16, 1), (1, 1, 50)),
)


class WeightBank:
    """A network for each factor and quality, all of one shape; threads may share it.

    Attributes:
        bytes_per_pixel: memory to compute one pixel.
    """

    def __init__(self, evaluate: Evaluate, like: Network) -> None:
        """Create the bank; networks are evaluated when they are needed.

        Args:
            evaluate: computes a network.
            like: one of the networks.
        """
        self._evaluate = evaluate
        self._shapes = like.shapes
        self.bytes_per_pixel = like.bytes_per_pixel
        cache: LRUCache[tuple[bytes, float], Network] = LRUCache(
            max(1, _LIMIT_BYTES // like.size_bytes)
        )
        # If several threads ask for a network, one evaluates it, and the others wait.
        self._cached = cached(
            cache, key=lambda factor, quality: (factor.tobytes(), quality), condition=Condition()
        )(self._evaluate_checked)

    def at(self, factor: Float32, quality: float = CLEAN) -> Network:
        """Return the network for a factor and quality; networks with the same weights are equal.

        Args:
            factor: (4,) float32 [1, 1, fh, fw], as for the whole graph.
            quality: of the source, 1 to 100; it is rounded first, so that there are few networks.

        Raises:
            InferenceFailedError: the runtime fails, or the weights have another shape.
        """
        return self._cached(factor, round_quality(quality))

    def _evaluate_checked(self, factor: Float32, quality: float) -> Network:
        network = self._evaluate(factor, quality)
        if network is None or network.shapes != self._shapes:
            raise InferenceFailedError(
                f"at factor {factor[2]:.6g}x{factor[3]:.6g} and quality {quality:g} the weights of "
                f"the model have the shapes {network and network.shapes}, expected {self._shapes} "
                "as at others"
            )
        return network


def read_bank(
    model: onnx.ModelProto,
    wiring: Wiring,
    conditions: tuple[str, str],
    names: list[str],
    read: Callable[[Weights], Network | None],
) -> WeightBank | None:
    """Read the networks of a graph that computes its weights from the factor and the quality.

    Args:
        model: with the whole graph.
        wiring: of the graph.
        conditions: names of the factor input and of the quality input.
        names: of the weights that are computed.
        read: makes a network with given weights; None if it has another form.

    Returns:
        The networks; None if the weights depend on more than these two, or if their shapes or
        the form of the network depend on them.
    """
    part = _extract_part(model, wiring.collect_sources(names), names)
    inputs = {value.name for value in part.graph.input}
    if inputs.difference(conditions):
        return None
    try:
        weights = make_run(make_session(part.SerializeToString(), "cpu", is_small=True))
    except ModelError:
        return None

    def evaluate(factor: Float32, quality: float) -> Network | None:
        known = zip(conditions, (factor, np.array([quality], np.float32)), strict=True)
        values = weights({name: value for name, value in known if name in inputs})
        return read(dict(zip(names, values, strict=True)))

    try:
        first, *others = (
            evaluate(np.array([1, 1, *factors], np.float32), quality)
            for *factors, quality in _TRIED
        )
    except InferenceFailedError:
        return None
    alike = first and all(each and each.shapes == first.shapes for each in others)
    return WeightBank(evaluate, first) if first and alike else None


def _extract_part(model: onnx.ModelProto, sources: set[str], outputs: list[str]) -> onnx.ModelProto:
    """Extract the part of a graph that computes some values.

    Args:
        model: with the whole graph.
        sources: names of all values that the outputs are computed from.
        outputs: names of the outputs, float32.
    """
    whole = model.graph
    part = onnx.helper.make_graph(
        [node for node in whole.node if sources.intersection(node.output)],
        "weights",
        [value for value in whole.input if value.name in sources],
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs],
        [tensor for tensor in whole.initializer if tensor.name in sources],
    )
    return onnx.helper.make_model(
        part,
        opset_imports=model.opset_import,
        functions=model.functions,
        ir_version=model.ir_version,
    )
