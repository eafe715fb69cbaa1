"""Initial weights of luma networks: random filters that change nothing yet."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from srcnn.training.luma_network import FEATURES, FIRST_PX, LAST_PX, MAPPED, Luma


def create_identity(anchors: int, seed: int) -> Luma:
    """Create a stack of equal networks that change nothing yet, with random filters.

    Args:
        anchors: number of networks.
        seed: of the filters.
    """
    generator = torch.Generator().manual_seed(seed)
    taps = FIRST_PX**2
    first = torch.randn(FEATURES, taps, generator=generator) / math.sqrt(2 * taps)
    first -= first.mean(1, keepdim=True)  # insensitive to brightness
    second = torch.randn(MAPPED, FEATURES, generator=generator) * math.sqrt(2 / FEATURES)
    one = Luma(
        functional.pad(first, (0, 1)),
        functional.pad(second, (0, 1)),
        torch.zeros(LAST_PX**2, MAPPED),
        torch.zeros(1, 1),
    )
    return one.map(lambda matrix: matrix.repeat(anchors, 1, 1))


def reinitialise_zero_filters(stack: Luma, seed: int) -> Luma:
    """Give random input weights to filters that are zero at every anchor.

    Such a filter has no gradients, and would stay zero. Its output weights remain zero, and with
    equal input weights at every anchor those between anchors do too, so the result is unchanged.

    Args:
        stack: not modified.
        seed: of the weights.
    """
    fresh = create_identity(len(stack.first), seed)
    features = _find_zero_filters(stack.first, stack.second[..., :-1])
    mapped = _find_zero_filters(stack.second, stack.third)
    return Luma(
        torch.where(features[:, None], fresh.first, stack.first),
        torch.where(mapped[:, None], fresh.second, stack.second),
        stack.third,
        stack.offset,
    )


def _find_zero_filters(inputs: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    """Find the filters that are zero: rows of inputs (K, F, n), columns of outputs (K, n, F)."""
    return (inputs.count_nonzero((0, 2)) + outputs.count_nonzero((0, 1))) == 0
