"""Interpolate a stack of luma networks by the factor, and draw the factors to train at.

The arithmetic is that of `srcnn.export.srcnn_network`, written for training: the gradients of the
weights at a factor flow to the two anchors around it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from srcnn.graphs.graph_format import STEPS_PER_FACTOR
from srcnn.training.luma_network import Luma

_SMALLEST = 1.04  # below it, the grid gives the identity
_AT_ANCHOR = 0.5  # share of the batches at the upper anchor of a segment; the rest is inside
_TWICE = (2.0, 3.0, 4.0)  # the factors that are used most: two batches per step


def compute_shares(factor: float, anchors: Sequence[float]) -> npt.NDArray[np.float64]:
    """Compute the share of each anchor's weights at a factor, (K,); they sum to 1."""
    onto_grid = round(factor * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
    return np.array([np.interp(onto_grid, anchors, row) for row in np.eye(len(anchors))])


def weights_at(stack: Luma, shares: torch.Tensor) -> Luma:
    """Interpolate the weights of one network by `compute_shares`, in the stack's precision."""
    return stack.map(lambda matrix: torch.einsum("k,kmn->mn", shares.to(matrix), matrix))


def keep_identity(stack: Luma) -> None:
    """Clear the last layer of the first anchor, in place: factor 1 must be the identity."""
    stack.third[0].zero_()
    stack.offset[0].zero_()


def draw_factors(anchors: Sequence[float], rng: np.random.Generator) -> list[float]:
    """Draw the factors of one step: one or two in each segment between anchors.

    So nearly every step has a gradient for every anchor.
    """
    return [
        high if rng.random() < _AT_ANCHOR else rng.uniform(max(low, _SMALLEST), high)
        for low, high in itertools.pairwise(anchors)
        for _ in range(1 + (high in _TWICE))
    ]
