"""What follows the upsampling: convolutions, one after the other, whose weights are constants.

Weights that depend on the factor make another network of each factor; see `bank`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

COLOURS = 3


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


class Networks(Protocol):
    """A network for each factor: a `Network` is the same for all, a `bank.WeightBank` is not."""

    @property
    def bytes_per_pixel(self) -> int:
        """What computing a pixel takes, at any factor."""

    def at(self, factor: Float32) -> Network:
        """The network for a factor.

        Args:
            factor: (4,) float32 [1, 1, fh, fw], as the whole graph would be given it.
        """


@dataclass(frozen=True, eq=False)
class Network:
    """What follows the upsampling. The first and the last layer are convolutions, not the same.

    Two are equal where all they compute is: whatever is made of one serves the other.

    Attributes:
        layers: in order; none for the upsampling alone.
        channels: of its input and its output: 3 for BGR, 1 for grey.
    """

    layers: tuple[Layer, ...]
    channels: int = COLOURS

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.blake2b(str(self.channels).encode())
        for layer in self.layers:
            if isinstance(layer, Activation):
                digest.update(repr(layer).encode())
                continue
            for array in (layer.weight, layer.bias):
                digest.update(repr(array.shape).encode() + array.tobytes())
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        """Whether the layers, and all their weights, are the same."""
        return isinstance(other, Network) and self._digest == other._digest

    def __hash__(self) -> int:
        """Of the weights."""
        return hash(self._digest)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the weights of the convolutions."""
        return [layer.weight.shape for layer in self.convolutions]

    @property
    def size_bytes(self) -> int:
        """Of all weights."""
        return sum(layer.weight.nbytes + layer.bias.nbytes for layer in self.convolutions)

    @property
    def convolutions(self) -> list[Convolution]:
        """The layers that are convolutions."""
        return [layer for layer in self.layers if isinstance(layer, Convolution)]

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels that an output pixel sees, per axis."""
        return compute_reach(self.convolutions)

    @property
    def has_phases(self) -> bool:
        """Whether only the first and the last convolution see more than one pixel."""
        between = self.convolutions[1:-1]
        return bool(self.layers) and not any(max(layer.reach) for layer in between)

    @property
    def bytes_per_pixel(self) -> int:
        """What computing a pixel takes: the values before and after a convolution, as floats."""
        return 4 * max((outputs + inputs for outputs, inputs, *_ in self.shapes), default=1)

    def at(self, factor: Float32) -> Network:  # noqa: ARG002 - as `Networks` has it
        """This network, whatever the factor."""
        return self

    def for_channels(self, channels: int) -> Network:
        """The same network for planes that are all equal, given once.

        The three planes of a grey picture are the same, so that the weights of the input's
        channels add up; the grey of the result is the mean of its three planes.

        Args:
            channels: 3 for no change, 1 for grey, at a third of the work at both ends.
        """
        return self if channels == self.channels else self._grey

    @cached_property
    def _grey(self) -> Network:
        if not self.layers:
            return replace(self, channels=1)
        first, *_, last = self.convolutions
        return Network((_grey_in(first), *self.layers[1:-1], _grey_out(last)), channels=1)


UPSAMPLING = Network(())
"""No convolution at all: the cubic alone."""


def compute_reach(convolutions: Iterable[Convolution]) -> tuple[int, int]:
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
