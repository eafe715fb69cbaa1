"""Read the network of an ONNX graph: a cubic upsampling, then a chain of convolutions.

A graph of this form can be rewritten and computed in tiles, exactly. A graph of any other form
is run as it is; see `srcnn.inference.untiled`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx

from srcnn.graphs.structure import Wiring
from srcnn.inference.engine.bicubic import CUBIC_A
from srcnn.inference.engine.network import (
    COLOURS,
    Activation,
    Convolution,
    Layer,
    Network,
    Networks,
)
from srcnn.inference.engine.weight_bank import read_bank

# Operators with one input that are applied to each value.
_POINTWISE = frozenset({"Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus"})


def read_network(model: bytes, image: str, factor: str) -> Networks | None:
    """Read the networks of a graph; None if the graph has another form.

    Args:
        model: content of the ONNX file.
        image: name of the image input.
        factor: name of the factor input.
    """
    proto = onnx.load_from_string(model)
    wiring = Wiring.read(proto.graph)
    resize, *nodes = _find_chain(proto.graph, image) or [onnx.NodeProto()]
    if not _is_plain_cubic(resize, factor):
        return None
    weights = [name for node in nodes if node.op_type == "Conv" for name in node.input[1:] if name]
    computed = list(dict.fromkeys(name for name in weights if name not in wiring.constants))
    if not computed:
        return _make_network(nodes, wiring.constants)
    constants = {name: wiring.constants[name] for name in weights if name not in computed}
    return read_bank(proto, wiring, factor, computed, partial(_make_network, nodes, constants))


def _make_network(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Any],
    computed: Mapping[str, Any] | None = None,
) -> Network | None:
    """Make the network of a chain of nodes, with the values of its weights by name."""
    values = {**constants, **(computed or {})}
    layers = [_read_layer(node, values) for node in nodes]
    network = Network(tuple(layer for layer in layers if layer is not None))
    return network if None not in layers and _is_complete(network) else None


def _find_chain(graph: onnx.GraphProto, image: str) -> list[onnx.NodeProto]:
    """Return the nodes from the image to the output; none if they are not an unbranched chain."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in set(filter(None, node.input)):
            readers.setdefault(name, []).append(node)
    chain: list[onnx.NodeProto] = []
    name = image
    while len(readers.get(name, ())) == 1 and readers[name][0].input[0] == name:
        chain.append(readers[name][0])
        name = chain[-1].output[0]
    ends = name == graph.output[0].name and name not in readers
    # In other domains, operators of the same names may do anything.
    are_standard = all(node.domain in ("", "ai.onnx") for node in chain)
    return chain if ends and are_standard else []


def _is_plain_cubic(resize: onnx.NodeProto, factor: str) -> bool:
    """Whether the node is the upsampling of `bicubic`."""
    defaults: dict[str, object] = {
        "cubic_coeff_a": CUBIC_A,
        "exclude_outside": 0,
        "antialias": 0,
    }
    wanted = defaults | {"mode": b"cubic", "coordinate_transformation_mode": b"pytorch_half_pixel"}
    given = _read_attributes(resize)
    found = {name: given.get(name, defaults.get(name)) for name in wanted}
    is_resize = resize.op_type == "Resize" and list(resize.input[2:]) in ([factor], [factor, ""])
    return is_resize and found == wanted


def _read_layer(node: onnx.NodeProto, values: Mapping[str, Any]) -> Layer | None:
    if node.op_type == "Conv":
        return _read_convolution(node, [values.get(name) for name in node.input[1:]])
    if node.op_type in _POINTWISE and len(node.input) == 1:
        return Activation(node.op_type, tuple(sorted(_read_attributes(node).items())))
    return None


def _read_convolution(node: onnx.NodeProto, constants: list[Any]) -> Convolution | None:
    if not constants or any(value is None for value in constants):
        return None
    weight = np.asarray(constants[0], dtype=np.float32)
    bias = np.asarray(constants[1] if constants[1:] else np.zeros(len(weight)), dtype=np.float32)
    reach = [size // 2 for size in weight.shape[2:]]
    given = _read_attributes(node)
    plain = (
        all(size % 2 for size in weight.shape[2:])
        and list(given.get("pads", [0] * 4)) == reach * 2
        and given.get("auto_pad", b"NOTSET") == b"NOTSET"
        and set(given.get("strides", [1])) == set(given.get("dilations", [1])) == {1}
        and given.get("group", 1) == 1
    )
    return Convolution(weight, bias) if plain else None


def _read_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def _is_complete(network: Network) -> bool:
    """Whether input and output have three planes, and a convolution is first and another last."""
    first, last = (network.layers[:1] + network.layers[-1:]) or (None, None)
    if not isinstance(first, Convolution) or not isinstance(last, Convolution) or first is last:
        return False
    return bool(first.weight.shape[1] == len(last.weight) == COLOURS)
