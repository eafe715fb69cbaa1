"""The network after the upsampling: a chain of convolutions with constant weights.

If the weights depend on the factor or the quality of the source, each has its own network; see
`weight_bank`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.graphs.graph_format import CLEAN

Float32 = npt.NDArray[np.float32]

COLOURS = 3


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution that keeps the size; how the border is padded depends on the network.

    Attributes:
        weight: (channels out, channels in, height, width) float32; height and width are odd.
        bias: (channels out,) float32.
    """

    weight: Float32
    bias: Float32

    @property
    def reach(self) -> tuple[int, int]:
        """How many pixels it reaches up and down, and to the left and right."""
        return self.weight.shape[2] // 2, self.weight.shape[3] // 2

    @property
    def macs(self) -> int:
        """Multiplications per pixel."""
        return int(self.weight.size)


@dataclass(frozen=True)
class Activation:
    """A function that is applied to each value.

    Attributes:
        operator: name of the ONNX operator.
        attributes: of the operator, by name.
    """

    operator: str
    attributes: tuple[tuple[str, float], ...] = ()


Layer: TypeAlias = Convolution | Activation


class Networks(Protocol):
    """The networks for all factors and qualities: one `Network`, or a `WeightBank` of many."""

    @property
    def bytes_per_pixel(self) -> int:
        """Memory to compute one pixel, the same for all of them."""

    def at(self, factor: Float32, quality: float = CLEAN) -> Network:
        """Return the network for a factor and quality.

        Args:
            factor: (4,) float32 [1, 1, fh, fw], as for the whole graph.
            quality: of the source, 1 to 100.
        """


@dataclass(frozen=True, eq=False)
class Network:
    """The layers after the upsampling. The first and the last are two different convolutions.

    Without `luma`, the layers take the upsampled picture, and what comes out is the result; each
    convolution pads with zeros. With `luma`, they take one plane, a weighted sum of the upsampled
    channels, and what comes out is added to each of these; the border of the plane is repeated.

    Two networks are equal if they compute the same, so that they can share graphs.

    Attributes:
        layers: in order; none for the upsampling alone.
        channels: of the picture: 3 for BGR, 1 for grey.
        luma: weight of each channel in luma.
    """

    layers: tuple[Layer, ...]
    channels: int = COLOURS
    luma: tuple[float, ...] = ()

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.blake2b(repr((self.channels, self.luma)).encode())
        for layer in self.layers:
            if isinstance(layer, Activation):
                digest.update(repr(layer).encode())
                continue
            for array in (layer.weight, layer.bias):
                digest.update(repr(array.shape).encode() + array.tobytes())
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        """Whether the layers and all their weights are the same."""
        return isinstance(other, Network) and self._digest == other._digest

    def __hash__(self) -> int:
        """Hash the layers and their weights."""
        return hash(self._digest)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the weights of the convolutions."""
        return [layer.weight.shape for layer in self.convolutions]

    @property
    def size_bytes(self) -> int:
        """Memory of all weights."""
        return sum(layer.weight.nbytes + layer.bias.nbytes for layer in self.convolutions)

    @property
    def planes(self) -> int:
        """Planes that come out of the last layer."""
        return 1 if self.luma else self.channels

    @property
    def convolutions(self) -> list[Convolution]:
        """The layers that are convolutions."""
        return [layer for layer in self.layers if isinstance(layer, Convolution)]

    @property
    def reach(self) -> tuple[int, int]:
        """How many pixels an output pixel depends on to each side, per axis."""
        rows, columns = (sum(each.reach[axis] for each in self.convolutions) for axis in (0, 1))
        return rows, columns

    @property
    def pads_with_zeros(self) -> bool:
        """Whether the later convolutions pad with zeros, and not with what they reach."""
        return not self.luma and any(max(layer.reach) for layer in self.convolutions[1:])

    @property
    def has_phases(self) -> bool:
        """Whether all convolutions but the first and the last have a size of 1x1."""
        between = self.convolutions[1:-1]
        return bool(self.layers) and not any(max(layer.reach) for layer in between)

    @property
    def bytes_per_pixel(self) -> int:
        """Memory to compute one pixel: the float32 values before and after a convolution."""
        return 4 * max((outputs + inputs for outputs, inputs, *_ in self.shapes), default=1)

    def at(self, factor: Float32, quality: float = CLEAN) -> Network:  # noqa: ARG002 - as `Networks` has it
        """Return this network, for any factor and quality."""
        return self

    def adapt_to_channels(self, channels: int) -> Network:
        """Return this network for BGR, or an equivalent network for grey.

        A grey picture is its own luma. Without luma, the three planes of a grey picture are
        equal, so the weights of the input channels can be summed; the grey of the result is the
        mean of its three planes, and the first and the last convolution need a third of the
        multiplications.

        Args:
            channels: 3 for BGR, 1 for grey.
        """
        return self if channels == self.channels else self._grey

    @cached_property
    def _grey(self) -> Network:
        if not self.layers:
            return replace(self, channels=1)
        if self.luma:
            return replace(self, channels=1, luma=(math.fsum(self.luma),))
        first, *_, last = self.convolutions
        return Network((_sum_inputs(first), *self.layers[1:-1], _average_outputs(last)), channels=1)


UPSAMPLING = Network(())
"""A network without layers: bicubic upsampling only."""


def _sum_inputs(layer: Convolution) -> Convolution:
    weight = layer.weight.astype(np.float64).sum(axis=1, keepdims=True)
    return replace(layer, weight=weight.astype(np.float32))


def _average_outputs(layer: Convolution) -> Convolution:
    weight = layer.weight.astype(np.float64).mean(axis=0, keepdims=True)
    bias = layer.bias.astype(np.float64).mean(keepdims=True)
    return Convolution(weight.astype(np.float32), bias.astype(np.float32))
