r"""Find the nodes of a network in an ONNX graph.

Either all follow each other from the image to the output,

    image -> Resize -> Conv -> ... -> Conv -> output

or the convolutions take luma, whose border is repeated, and what they return is added:

    image -> Resize -> Mul -> ReduceSum -> Pad -> Conv -> ... -> Conv -> Concat -> Add -> output
                 \________________________________________________________________/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import onnx

from srcnn.inference.engine.network import COLOURS

_FEWEST = 4  # nodes from the weighted planes of luma to those that are added
_PADS = 8  # two for each axis
_Readers: TypeAlias = Mapping[str, list[onnx.NodeProto]]
_Constants: TypeAlias = Mapping[str, Any]


class NetworkNodes(NamedTuple):
    """The nodes of a network.

    Attributes:
        resize: the upsampling.
        layers: convolutions and activations, in order.
        luma: weights of the channels in luma; none if the layers take the channels.
        border: pixels to each side by which the border of luma is repeated, per axis.
    """

    resize: onnx.NodeProto
    layers: list[onnx.NodeProto]
    luma: tuple[float, ...] = ()
    border: tuple[int, int] = (0, 0)


def find_nodes(graph: onnx.GraphProto, constants: _Constants, image: str) -> NetworkNodes | None:
    """Find the nodes of a network; None if the graph has another form.

    Args:
        graph: the whole graph.
        constants: values of its constants by name.
        image: name of the image input.
    """
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in set(filter(None, node.input)):
            readers.setdefault(name, []).append(node)
    chain, end = _follow(readers, image)
    output = graph.output[0].name
    # In other domains, operators of the same names may do anything.
    if not chain or output in readers or any(node.domain not in ("", "ai.onnx") for node in chain):
        return None
    resize, *layers = chain
    if end == output:
        return NetworkNodes(resize, layers)
    return None if layers else _find_luma(readers, constants, resize, output)


def _find_luma(
    readers: _Readers, constants: _Constants, resize: onnx.NodeProto, output: str
) -> NetworkNodes | None:
    """Find the nodes between an upsampled picture and the sum with it."""
    upsampled = resize.output[0]
    branches = {node.op_type: node for node in readers.get(upsampled, ())}
    multiply, add = branches.get("Mul"), branches.get("Add")
    if set(branches) != {"Mul", "Add"} or multiply is None or add is None:
        return None
    nodes = [node for node in _follow(readers, multiply.output[0])[0] if node is not add]
    if len(nodes) < _FEWEST or any(node.domain not in ("", "ai.onnx") for node in nodes):
        return None
    sums, pads, *layers, concat = nodes
    luma, border = _read_luma(multiply, sums, constants), _read_border(pads, constants)
    is_repeated = (
        concat.op_type == "Concat"
        and list(concat.input) == [layers[-1].output[0]] * COLOURS
        and read_attributes(concat)["axis"] == 1
    )
    is_sum = {*add.input} == {upsampled, concat.output[0]} and add.output[0] == output
    if not luma or not border or not is_repeated or not is_sum:
        return None
    return NetworkNodes(resize, layers, luma, border)


def _follow(readers: _Readers, name: str) -> tuple[list[onnx.NodeProto], str]:
    """Follow a value while one node reads it, as its first input.

    Returns:
        The nodes, and the last value.
    """
    nodes: list[onnx.NodeProto] = []
    while len(readers.get(name, ())) == 1 and readers[name][0].input[0] == name:
        nodes.append(readers[name][0])
        name = nodes[-1].output[0]
    return nodes, name


def _read_luma(
    multiply: onnx.NodeProto, summing: onnx.NodeProto, constants: _Constants
) -> tuple[float, ...]:
    """Read the weights of the channels; none if the nodes compute something else."""
    found = [constants[name] for name in multiply.input if name in constants]
    if not found or summing.op_type != "ReduceSum":
        return ()
    attributes = read_attributes(summing)
    axes = constants.get(summing.input[1]) if summing.input[1:] else attributes.get("axes")
    is_sum = axes is not None and np.ravel(axes).tolist() == [1] and attributes.get("keepdims", 1)
    weights = np.asarray(found[0], np.float32)
    is_by_channel = weights.shape[-3:] == (COLOURS, 1, 1) and weights.size == COLOURS
    return tuple(weights.ravel().tolist()) if is_sum and is_by_channel else ()


def _read_border(pad: onnx.NodeProto, constants: _Constants) -> tuple[int, int] | None:
    """Read by how much the border is repeated; None if it is not."""
    if pad.op_type != "Pad" or read_attributes(pad).get("mode") != b"edge" or any(pad.input[3:]):
        return None
    given = [constants[name] for name in pad.input[1:2] if name in constants]
    found = np.ravel(given).tolist()
    rows, columns = found[2:4] if len(found) == _PADS else (0, 0)
    return (rows, columns) if found == [0, 0, rows, columns] * 2 else None


def read_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Read the attributes of a node by name."""
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
