"""The network during training: it sees luma only, and computes convolutions as matrix products.

    luma + conv5x5(relu(conv1x1(relu(conv9x9(luma)))))          padded by zeros, as in `Srcnn`

Luma is that of BT.601 in full range, Y = 0.299 R + 0.587 G + 0.114 B in [0, 1]. Dong et al.,
TPAMI 2016, section 4.4.2, found that three channels gain less than 0.1 dB over luma alone, at
2.5 times the work. `srcnn.training.luma_to_rgb` converts it to a three-channel network.

Weights are matrices with the biases as their last column, because `soap` needs matrices, and
because products with the 81 shifted copies of a picture took less than half the time of torch's
single-channel convolutions, including gradients (AVX2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

FEATURES = 61  # 64 minus the three that carry the colours
MAPPED = 29  # 32 minus the three that carry the colours
_FIRST, _LAST = 9, 5  # px, kernel sizes
_TAPS = _FIRST**2


@dataclass
class Luma:
    """Weights of one network or, with a leading axis K, of a stack of networks.

    Attributes:
        first: (61, 82) 9x9 filters, row by row, and biases.
        second: (29, 62) 1x1 filters and biases.
        third: (25, 29) the 5x5 filter, a row for each position.
        offset: (1, 1) the last bias.
    """

    first: torch.Tensor
    second: torch.Tensor
    third: torch.Tensor
    offset: torch.Tensor

    @property
    def matrices(self) -> list[torch.Tensor]:
        """The weights, in the order of the layers."""
        return [self.first, self.second, self.third, self.offset]

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Luma:
        """Apply a function to each matrix."""
        return Luma(*(change(matrix) for matrix in self.matrices))


def create_identity(anchors: int, seed: int) -> Luma:
    """Create a stack of equal networks that change nothing yet, with random filters.

    Args:
        anchors: number of networks.
        seed: of the filters.
    """
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(FEATURES, _TAPS, generator=generator) / math.sqrt(2 * _TAPS)
    first -= first.mean(1, keepdim=True)  # insensitive to brightness
    second = torch.randn(MAPPED, FEATURES, generator=generator) * math.sqrt(2 / FEATURES)
    one = Luma(
        functional.pad(first, (0, 1)),
        functional.pad(second, (0, 1)),
        torch.zeros(_LAST**2, MAPPED),
        torch.zeros(1, 1),
    )
    return one.map(lambda matrix: matrix.repeat(anchors, 1, 1))


def sharpen(luma: torch.Tensor, weights: Luma) -> torch.Tensor:
    """Run one network on upsampled pictures.

    Args:
        luma: (N, H, W) float32 in [0, 1].
        weights: of one network.

    Returns:
        (N, H, W) float32, not clipped.
    """
    columns = _build_columns(luma)
    features = torch.relu(weights.first @ columns)
    mapped = torch.relu(torch.addmm(weights.second[:, -1:], weights.second[:, :-1], features))
    parts = (weights.third @ mapped).view(-1, *luma.shape)
    added: torch.Tensor = _ShiftedSum.apply(parts)  # type: ignore[no-untyped-call] # torch's
    return luma + added + weights.offset


def _build_columns(luma: torch.Tensor) -> torch.Tensor:
    """Build (82, N * H * W): the 9x9 window of each pixel, and ones for the biases."""
    number, height, width = luma.shape
    padded = functional.pad(luma, (_FIRST // 2,) * 4)
    rows, columns = padded.shape[1:]
    shape = (_FIRST, _FIRST, number, height, width)
    windows = padded.as_strided(shape, (columns, 1, rows * columns, columns, 1))
    result = luma.new_ones(_TAPS + 1, number * height * width)
    result[:_TAPS].view(shape).copy_(windows)
    return result


class _ShiftedSum(torch.autograd.Function):
    """Sum of the 25 positions of the 5x5 convolution, shifted: (25, N, H, W) to (N, H, W).

    With one output channel, 25 shifted additions are several times faster than a convolution.
    """

    @staticmethod
    def forward(ctx: Any, parts: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's interface
        _, number, height, width = parts.shape
        reach = _LAST // 2
        total = parts.new_zeros(number, height + 2 * reach, width + 2 * reach)
        for part, window in zip(parts, _list_windows(total, height, width), strict=True):
            window.add_(part)
        return total[:, reach:-reach, reach:-reach]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's interface
        height, width = gradient.shape[1:]
        padded = functional.pad(gradient, (_LAST // 2,) * 4)
        return torch.stack(_list_windows(padded, height, width))


def _list_windows(padded: torch.Tensor, height: int, width: int) -> list[torch.Tensor]:
    """List the window of the outputs that each position of the 5x5 filter adds to."""
    ends = range(_LAST - 1, -1, -1)
    return [padded[:, top : top + height, left : left + width] for top in ends for left in ends]
