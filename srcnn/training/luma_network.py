"""The network during training: it sees luma only, and computes convolutions as matrix products.

    luma + conv5x5(relu(conv1x1(relu(conv9x9(repeat_border(luma, 6 px))))))

as `srcnn.export.srcnn_network.Srcnn` with one channel. Luma is that of BT.601 in full range,
Y = 0.299 R + 0.587 G + 0.114 B in [0, 1]. Dong et al., TPAMI 2016, section 4.4.2, found that
three channels gain less than 0.1 dB over luma alone, at 2.5 times the work.

Weights are matrices with the biases as their last column, because `soap` needs matrices, and
because products with the 81 shifted copies of a picture took less than half the time of torch's
single-channel convolutions, including gradients (AVX2).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

FEATURES, MAPPED = 64, 32
FIRST_PX, LAST_PX = 9, 5
"""Sides of the first and of the last filters."""
_TAPS = FIRST_PX**2


@dataclass
class Luma:
    """Weights of one network or, with a leading axis K, of a stack of networks.

    Attributes:
        first: (64, 82) 9x9 filters, row by row, and biases.
        second: (32, 65) 1x1 filters and biases.
        third: (25, 32) the 5x5 filter, a row for each position.
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


def sharpen(luma: torch.Tensor, weights: Luma) -> torch.Tensor:
    """Run one network on upsampled pictures.

    Args:
        luma: (N, H, W) float32 in [0, 1].
        weights: of one network.

    Returns:
        (N, H, W) float32, not clipped.
    """
    reach = LAST_PX // 2
    border = FIRST_PX // 2 + reach
    columns = _build_columns(functional.pad(luma, (border,) * 4, mode="replicate"))
    features = torch.relu(weights.first @ columns)
    mapped = torch.relu(torch.addmm(weights.second[:, -1:], weights.second[:, :-1], features))
    number, height, width = luma.shape
    parts = (weights.third @ mapped).view(-1, number, height + 2 * reach, width + 2 * reach)
    added: torch.Tensor = _ShiftedSum.apply(parts)  # type: ignore[no-untyped-call] # torch's
    return luma + added + weights.offset


def _build_columns(padded: torch.Tensor) -> torch.Tensor:
    """Build (82, N * (H - 8) * (W - 8)): each 9x9 window of (N, H, W), and ones for the biases."""
    number, rows, columns = padded.shape
    height, width = rows - FIRST_PX + 1, columns - FIRST_PX + 1
    shape = (FIRST_PX, FIRST_PX, number, height, width)
    windows = padded.as_strided(shape, (columns, 1, rows * columns, columns, 1))
    result = padded.new_ones(_TAPS + 1, number * height * width)
    result[:_TAPS].view(shape).copy_(windows)
    return result


class _ShiftedSum(torch.autograd.Function):
    """Sum of the 25 positions of the 5x5 convolution, shifted: (25, N, H + 4, W + 4) to (N, H, W).

    With one output channel, 25 shifted additions are several times faster than a convolution.
    """

    @staticmethod
    def forward(ctx: Any, parts: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's interface
        first, *others = _list_windows(parts)
        total = first.clone()
        for window in others:
            total.add_(window)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's interface
        number, height, width = gradient.shape
        parts = gradient.new_zeros(LAST_PX**2, number, height + LAST_PX - 1, width + LAST_PX - 1)
        for window in _list_windows(parts):
            window.copy_(gradient)
        return parts


def _list_windows(parts: torch.Tensor) -> list[torch.Tensor]:
    """List what each position of the 5x5 filter adds to the outputs, (N, H, W) each."""
    height, width = (length - LAST_PX + 1 for length in parts.shape[2:])
    corners = itertools.product(range(LAST_PX), repeat=2)
    return [
        part[:, top : top + height, left : left + width]
        for part, (top, left) in zip(parts, corners, strict=True)
    ]
