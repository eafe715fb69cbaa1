"""A stack of luma networks by the factor: which weights it gives, and which factors to train at.

The arithmetic is that of `srcnn.export.srcnn_network`, written for training: gradients of what a
factor gives flow to the two anchors around it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from srcnn.graphs.contract import STEPS_PER_FACTOR
from srcnn.training.luma_network import Luma

_SMALLEST = 1.04  # below, the grid gives the identity
_AT_ANCHOR = 0.5  # share of the batches at the upper end of a segment, the rest inside
_TWICE = (2.0, 3.0, 4.0)  # anchors that people upscale by most: two batches a step


def hats(factor: float, anchors: Sequence[float]) -> npt.NDArray[np.float64]:
    """How much each anchor's weights count at a factor, (K,), one in all."""
    onto_grid = round(factor * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
    return np.array([np.interp(onto_grid, anchors, row) for row in np.eye(len(anchors))])


def weights_at(stack: Luma, shares: torch.Tensor) -> Luma:
    """One network's weights, by the shares of `hats`, in the precision of the stack."""
    return stack.map(lambda matrix: torch.einsum("k,kmn->mn", shares.to(matrix), matrix))


def keep_identity(stack: Luma) -> None:
    """At the first anchor, which is 1, nothing is to be added: clear its last layer, in place."""
    stack.third[0].zero_()
    stack.offset[0].zero_()


def step_factors(anchors: Sequence[float], rng: np.random.Generator) -> list[float]:
    """The factors of one step: one or two for each segment between anchors, at its end or inside.

    So nearly every step has a gradient for every anchor.
    """
    return [
        high if rng.random() < _AT_ANCHOR else rng.uniform(max(low, _SMALLEST), high)
        for low, high in itertools.pairwise(anchors)
        for _ in range(1 + (high in _TWICE))
    ]
