"""The network read off an ONNX graph: a cubic upsampling, then convolutions one after the other.

A graph of this form can be computed in tiles and rewritten, exactly. A graph of any
other form is left whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from srcnn.engine.coordinates import CUBIC_A
from srcnn.graphs.structure import Wiring

Float32 = npt.NDArray[np.float32]

# Operators with one input that compute each value from that value alone.
_POINTWISE = frozenset({"Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus"})
_COLOURS = 3


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution that keeps the size, with zeros around the image.

    Attributes:
        weight: (channels out, channels in, height, width) float32; height and width are odd.
        bias: (channels out,) float32.
    """

    weight: Float32
    bias: Float32

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels that it sees above and below, and left and right."""
        return self.weight.shape[2] // 2, self.weight.shape[3] // 2

    @property
    def macs(self) -> int:
        """Multiplications for each pixel."""
        return int(self.weight.size)


@dataclass(frozen=True)
class Activation:
    """A function of each value.

    Attributes:
        operator: of ONNX.
        attributes: of it, by name.
    """

    operator: str
    attributes: tuple[tuple[str, float], ...] = ()


Layer: TypeAlias = Convolution | Activation


@dataclass(frozen=True, eq=False)
class Network:
    """What follows the upsampling. The first and the last layer are convolutions, not the same.

    Attributes:
        layers: in order; none for the upsampling alone.
        channels: of its input and its output: 3 for BGR, 1 for grey.
    """

    layers: tuple[Layer, ...]
    channels: int = _COLOURS

    @property
    def convolutions(self) -> list[Convolution]:
        """The layers that are convolutions."""
        return [layer for layer in self.layers if isinstance(layer, Convolution)]

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels that an output pixel sees, per axis."""
        return reach_of(self.convolutions)

    @property
    def later_reach(self) -> tuple[int, int]:
        """Values that an output pixel sees of what the first convolution gives, per axis."""
        return reach_of(self.convolutions[1:])

    @property
    def has_phases(self) -> bool:
        """Whether only the first and the last convolution see more than one pixel."""
        between = self.convolutions[1:-1]
        return bool(self.layers) and not any(max(layer.reach) for layer in between)

    @property
    def bytes_per_pixel(self) -> int:
        """What computing a pixel takes: the values before and after a convolution, as floats."""
        shapes = [layer.weight.shape for layer in self.convolutions]
        return 4 * max((outputs + inputs for outputs, inputs, *_ in shapes), default=1)

    def for_channels(self, channels: int) -> Network:
        """The same network for planes that are all equal, given once.

        The three planes of a grey picture are the same, so that the weights of the input's
        channels add up; the grey of the result is the mean of its three planes.

        Args:
            channels: 3 for no change, 1 for grey, at a third of the work at both ends.
        """
        if channels == self.channels or not self.layers:
            return replace(self, channels=channels)
        first, *_, last = self.convolutions
        return Network((_grey_in(first), *self.layers[1:-1], _grey_out(last)), channels)


UPSAMPLING = Network(())
"""No convolution at all: the cubic alone."""


def reach_of(convolutions: Iterable[Convolution]) -> tuple[int, int]:
    """Pixels that an output pixel sees through a chain of convolutions, per axis."""
    reaches = [convolution.reach for convolution in convolutions]
    return sum(reach[0] for reach in reaches), sum(reach[1] for reach in reaches)


def _grey_in(layer: Convolution) -> Convolution:
    weight = layer.weight.astype(np.float64).sum(axis=1, keepdims=True)
    return replace(layer, weight=weight.astype(np.float32))


def _grey_out(layer: Convolution) -> Convolution:
    weight = layer.weight.astype(np.float64).mean(axis=0, keepdims=True)
    bias = layer.bias.astype(np.float64).mean(keepdims=True)
    return Convolution(weight.astype(np.float32), bias.astype(np.float32))


def read_network(model: bytes, image: str, factor: str) -> Network | None:
    """The network of a graph; None where the graph has another form.

    Args:
        model: ONNX file content.
        image: name of the image input.
        factor: name of the factor input.
    """
    graph = onnx.load_from_string(model).graph
    wiring = Wiring.of(graph)
    chain = _chain(graph, image)
    if not chain or not _is_plain_cubic(chain[0], factor):
        return None
    layers = [_layer(node, wiring) for node in chain[1:]]
    network = Network(tuple(layer for layer in layers if layer is not None))
    return network if None not in layers and _is_complete(network) else None


def _chain(graph: onnx.GraphProto, image: str) -> list[onnx.NodeProto]:
    """The nodes from the image to the output, where each feeds the next alone; else none."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in set(filter(None, node.input)):
            readers.setdefault(name, []).append(node)
    chain: list[onnx.NodeProto] = []
    name = image
    while len(readers.get(name, ())) == 1 and readers[name][0].input[0] == name:
        chain.append(readers[name][0])
        name = chain[-1].output[0]
    # What is left may only make constants.
    rest = {node.op_type for node in graph.node if node not in chain}
    ends = name == graph.output[0].name and name not in readers
    return chain if ends and rest <= {"Constant", "Identity"} else []


def _is_plain_cubic(resize: onnx.NodeProto, factor: str) -> bool:
    """Whether the node is the upsampling of `coordinates`."""
    defaults: dict[str, object] = {
        "cubic_coeff_a": CUBIC_A,
        "exclude_outside": 0,
        "antialias": 0,
    }
    wanted = defaults | {"mode": b"cubic", "coordinate_transformation_mode": b"pytorch_half_pixel"}
    given = _attributes(resize)
    found = {name: given.get(name, defaults.get(name)) for name in wanted}
    is_resize = resize.op_type == "Resize" and list(resize.input[2:]) in ([factor], [factor, ""])
    return is_resize and found == wanted


def _layer(node: onnx.NodeProto, wiring: Wiring) -> Layer | None:
    if node.op_type == "Conv":
        return _convolution(node, [wiring.constants.get(name) for name in node.input[1:]])
    if node.op_type in _POINTWISE and len(node.input) == 1:
        return Activation(node.op_type, tuple(sorted(_attributes(node).items())))
    return None


def _convolution(node: onnx.NodeProto, constants: list[Any]) -> Convolution | None:
    if not constants or any(value is None for value in constants):
        return None
    weight = np.asarray(constants[0], dtype=np.float32)
    bias = np.asarray(constants[1] if constants[1:] else np.zeros(len(weight)), dtype=np.float32)
    reach = [size // 2 for size in weight.shape[2:]]
    given = _attributes(node)
    plain = (
        all(size % 2 for size in weight.shape[2:])
        and list(given.get("pads", [0] * 4)) == reach * 2
        and given.get("auto_pad", b"NOTSET") == b"NOTSET"
        and set(given.get("strides", [1])) == set(given.get("dilations", [1])) == {1}
        and given.get("group", 1) == 1
    )
    return Convolution(weight, bias) if plain else None


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def _is_complete(network: Network) -> bool:
    """Whether it takes and gives three planes, and begins and ends with a convolution."""
    first, last = (network.layers[:1] + network.layers[-1:]) or (None, None)
    if not isinstance(first, Convolution) or not isinstance(last, Convolution) or first is last:
        return False
    return bool(first.weight.shape[1] == len(last.weight) == _COLOURS)
