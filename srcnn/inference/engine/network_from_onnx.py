"""Read the network of an ONNX graph: a cubic upsampling, then convolutions.

A graph of this form can be rewritten and computed in tiles, exactly. A graph of any other form
is run as it is; see `srcnn.inference.any_graph`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import onnx

from srcnn.geometry import Factor
from srcnn.graphs.check_cases import list_scales
from srcnn.graphs.graph_format import QUALITY
from srcnn.graphs.graph_wiring import Wiring
from srcnn.inference.engine.bicubic import CUBIC_A
from srcnn.inference.engine.network import (
    Activation,
    Convolution,
    Layer,
    Network,
    Networks,
)
from srcnn.inference.engine.network_nodes import NetworkNodes, find_nodes, read_attributes
from srcnn.inference.engine.weight_bank import read_bank
from srcnn.model.onnx_file import parse_complete

# Operators with one input that are applied to each value.
_POINTWISE = frozenset({"Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus"})


def read_network(
    model: bytes, image: str, factor: str | Factor, quality: str = QUALITY
) -> Networks | None:
    """Read the networks of a graph; None if the graph has another form.

    Args:
        model: content of the ONNX file.
        image: name of the image input.
        factor: name of the factor input, or the factor, if it is fixed.
        quality: name of the quality input, if the graph has one.

    Raises:
        ModelError: it is not an ONNX file, is incomplete, or may run without end.
    """
    proto = parse_complete(model)
    wiring = Wiring.read(proto.graph)
    nodes = find_nodes(proto.graph, wiring.constants, image)
    if nodes is None or not _is_plain_cubic(nodes.resize, factor, wiring.constants):
        return None
    convolutions = [node for node in nodes.layers if node.op_type == "Conv"]
    weights = [name for node in convolutions for name in node.input[1:] if name]
    computed = list(dict.fromkeys(name for name in weights if name not in wiring.constants))
    if not computed:
        return _make_network(nodes, wiring.constants)
    if isinstance(factor, Factor):
        return None
    constants = {name: wiring.constants[name] for name in weights if name not in computed}
    read = partial(_make_network, nodes, constants)
    return read_bank(proto, wiring, (factor, quality), computed, read)


def _make_network(
    nodes: NetworkNodes, constants: Mapping[str, Any], computed: Mapping[str, Any] | None = None
) -> Network | None:
    """Make the network of some nodes, with the values of its weights by name."""
    values = {**constants, **(computed or {})}
    layers = [_read_layer(node, values, is_padded=not nodes.luma) for node in nodes.layers]
    network = Network(tuple(layer for layer in layers if layer is not None), luma=nodes.luma)
    if None in layers or not _is_complete(network):
        return None
    return network if not nodes.luma or network.reach == nodes.border else None


def _is_plain_cubic(
    resize: onnx.NodeProto, factor: str | Factor, constants: Mapping[str, Any]
) -> bool:
    """Whether the node is the upsampling of `bicubic`."""
    modes = {b"pytorch_half_pixel"}
    if isinstance(factor, Factor) and min(factor.height, factor.width) > 1:
        modes.add(b"half_pixel")  # they differ for a result of one pixel only
    defaults: dict[str, object] = {
        "cubic_coeff_a": CUBIC_A,
        "exclude_outside": 0,
        "antialias": 0,
    }
    wanted = defaults | {"mode": b"cubic"}
    given = read_attributes(resize)
    found = {name: given.get(name, defaults.get(name)) for name in wanted}
    is_resize = resize.op_type == "Resize" and _has_scales(resize, factor, constants)
    # The default of the specification is half_pixel.
    mode = given.get("coordinate_transformation_mode", b"half_pixel")
    return bool(is_resize and found == wanted and mode in modes)


def _has_scales(resize: onnx.NodeProto, factor: str | Factor, constants: Mapping[str, Any]) -> bool:
    """Whether the node scales by the factor."""
    scales, *size = resize.input[2:] or [""]
    if any(size):
        return False
    if isinstance(factor, str):
        return bool(scales == factor)
    found = constants.get(scales)
    return found is not None and bool(np.array_equal(np.ravel(found), list_scales(factor)))


def _read_layer(
    node: onnx.NodeProto, values: Mapping[str, Any], *, is_padded: bool
) -> Layer | None:
    if node.op_type == "Conv":
        weights = [values.get(name) for name in node.input[1:]]
        return _read_convolution(node, weights, is_padded=is_padded)
    if node.op_type in _POINTWISE and len(node.input) == 1:
        return Activation(node.op_type, tuple(sorted(read_attributes(node).items())))
    return None


def _read_convolution(
    node: onnx.NodeProto, constants: list[Any], *, is_padded: bool
) -> Convolution | None:
    if not constants or any(value is None for value in constants):
        return None
    weight = np.asarray(constants[0], dtype=np.float32)
    bias = np.asarray(constants[1] if constants[1:] else np.zeros(len(weight)), dtype=np.float32)
    reach = [size // 2 for size in weight.shape[2:]]
    given = read_attributes(node)
    plain = (
        all(size % 2 for size in weight.shape[2:])
        and list(given.get("pads", [0] * 4)) == [size * is_padded for size in reach] * 2
        and given.get("auto_pad", b"NOTSET") == b"NOTSET"
        and set(given.get("strides", [1])) == set(given.get("dilations", [1])) == {1}
        and given.get("group", 1) == 1
    )
    return Convolution(weight, bias) if plain else None


def _is_complete(network: Network) -> bool:
    """Whether input and output have as many planes, and a convolution is first and another last."""
    first, last = (network.layers[:1] + network.layers[-1:]) or (None, None)
    if not isinstance(first, Convolution) or not isinstance(last, Convolution) or first is last:
        return False
    return bool(first.weight.shape[1] == len(last.weight) == network.planes)
