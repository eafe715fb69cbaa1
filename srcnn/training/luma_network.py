"""The network as it is trained: on luma alone, convolutions as matrix products.

    luma + conv5x5(relu(conv1x1(relu(conv9x9(luma)))))          zeros around, as in `Srcnn`

Luma is that of BT.601 in full range, Y = 0.299 R + 0.587 G + 0.114 B in [0, 1]. Dong et al.,
TPAMI 2016, section 4.4.2, found three channels to gain less than 0.1 dB over luma alone, at
2.5 times the work. `srcnn.training.luma_to_rgb` makes a three-channel network of it.

Weights are matrices with the biases as a last column, since that is what `soap` wants, and
because products with the 81 shifted copies of a picture took less than half of the time of torch's
convolutions of one channel, gradients included (AVX2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

FEATURES = 61  # 64 less the three that carry the colours
MAPPED = 29  # 32 likewise
_FIRST, _LAST = 9, 5  # px, sides of the kernels
_TAPS = _FIRST**2


@dataclass
class Luma:
    """Weights of one network, or with a leading axis K of a stack of them.

    Attributes:
        first: (61, 82) 9x9 filters, row by row, and biases.
        second: (29, 62) 1x1 filters and biases.
        third: (25, 29) the 5x5 filter, a row for each of its positions.
        offset: (1, 1) the last bias.
    """

    first: torch.Tensor
    second: torch.Tensor
    third: torch.Tensor
    offset: torch.Tensor

    @property
    def matrices(self) -> list[torch.Tensor]:
        """The weights in order."""
        return [self.first, self.second, self.third, self.offset]

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Luma:
        """The same for changed matrices."""
        return Luma(*(change(matrix) for matrix in self.matrices))


def identity(anchors: int, seed: int) -> Luma:
    """A stack of equal networks that add nothing yet, their filters at random.

    Args:
        anchors: how many.
        seed: of the filters.
    """
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(FEATURES, _TAPS, generator=generator) / math.sqrt(2 * _TAPS)
    first -= first.mean(1, keepdim=True)  # blind to brightness
    second = torch.randn(MAPPED, FEATURES, generator=generator) * math.sqrt(2 / FEATURES)
    one = Luma(
        functional.pad(first, (0, 1)),
        functional.pad(second, (0, 1)),
        torch.zeros(_LAST**2, MAPPED),
        torch.zeros(1, 1),
    )
    return one.map(lambda matrix: matrix.repeat(anchors, 1, 1))


def sharpen(luma: torch.Tensor, weights: Luma) -> torch.Tensor:
    """Send upsampled pictures through one network.

    Args:
        luma: (N, H, W) float32 in [0, 1].
        weights: of one network.

    Returns:
        (N, H, W) float32, not clipped.
    """
    columns = _columns(luma)
    features = torch.relu(weights.first @ columns)
    mapped = torch.relu(torch.addmm(weights.second[:, -1:], weights.second[:, :-1], features))
    parts = (weights.third @ mapped).view(-1, *luma.shape)
    added: torch.Tensor = _ShiftedSum.apply(parts)  # type: ignore[no-untyped-call] # torch's
    return luma + added + weights.offset


def _columns(luma: torch.Tensor) -> torch.Tensor:
    """(82, N * H * W): what the first filters see of each pixel, and ones for the biases."""
    number, height, width = luma.shape
    padded = functional.pad(luma, (_FIRST // 2,) * 4)
    rows, columns = padded.shape[1:]
    shape = (_FIRST, _FIRST, number, height, width)
    windows = padded.as_strided(shape, (columns, 1, rows * columns, columns, 1))
    result = luma.new_ones(_TAPS + 1, number * height * width)
    result[:_TAPS].view(shape).copy_(windows)
    return result


class _ShiftedSum(torch.autograd.Function):
    """The 5x5 convolution's sum, of what each of its positions gives: (25, N, H, W) to (N, H, W).

    With one output channel, 25 shifted additions are several times faster than a convolution.
    """

    @staticmethod
    def forward(ctx: Any, parts: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's interface
        _, number, height, width = parts.shape
        reach = _LAST // 2
        total = parts.new_zeros(number, height + 2 * reach, width + 2 * reach)
        for part, window in zip(parts, _windows(total, height, width), strict=True):
            window.add_(part)
        return total[:, reach:-reach, reach:-reach]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's interface
        height, width = gradient.shape[1:]
        padded = functional.pad(gradient, (_LAST // 2,) * 4)
        return torch.stack(_windows(padded, height, width))


def _windows(padded: torch.Tensor, height: int, width: int) -> list[torch.Tensor]:
    """For each position of the 5x5 filter, the outputs that it adds to, in a padded picture."""
    ends = range(_LAST - 1, -1, -1)
    return [padded[:, top : top + height, left : left + width] for top in ends for left in ends]
