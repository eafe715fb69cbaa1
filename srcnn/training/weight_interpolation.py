"""Interpolate a stack of luma networks by factor and quality, and draw conditions to train at.

The arithmetic is that of `srcnn.export.srcnn_network`, written for training: the gradients of the
weights under a condition flow to the anchors around it, two along each axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from srcnn.graphs.graph_format import STEPS_PER_FACTOR, round_quality
from srcnn.quality.conditions import Condition
from srcnn.training.luma_network import Luma
from srcnn.training.training_spec import TrainingSpec

_SMALLEST = 1.04  # below it, the grid gives the weights of factor 1
_AT_ANCHOR = 0.5  # share of the batches at an anchor of a segment; the rest is inside
_TWICE = (2.0, 3.0, 4.0)  # the factors that are used most: two batches without loss


def compute_shares(condition: Condition, spec: TrainingSpec) -> npt.NDArray[np.float64]:
    """Compute the share of each network of the stack under a condition; they sum to 1.

    Returns:
        (K * M,): for each of K factors, M qualities.
    """
    factor = round(condition.factor * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
    quality = round_quality(condition.quality)
    each = _interpolate(factor, spec.anchors), _interpolate(quality, spec.qualities)
    return np.outer(*each).ravel()


def _interpolate(value: float, anchors: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.array([np.interp(value, anchors, row) for row in np.eye(len(anchors))])


def weights_at(stack: Luma, shares: torch.Tensor) -> Luma:
    """Interpolate the weights of one network by `compute_shares`, in the stack's precision."""
    return stack.map(lambda matrix: torch.einsum("k,kmn->mn", shares.to(matrix), matrix))


def keep_identity(stack: Luma, spec: TrainingSpec) -> None:
    """Clear the last layer of factor 1 without loss, in place: it must be the identity."""
    clean = len(spec.qualities) - 1  # the last of the first factor
    stack.third[clean].zero_()
    stack.offset[clean].zero_()


def draw_conditions(spec: TrainingSpec, rng: np.random.Generator) -> list[Condition]:
    """Draw the conditions of one step: at least one in each segment between anchors.

    So nearly every step has a gradient for every anchor. Their number and order are always the
    same.
    """
    return list(_draw_conditions(spec, rng))


def _draw_conditions(spec: TrainingSpec, rng: np.random.Generator) -> Iterator[Condition]:
    segments = list(itertools.pairwise(spec.anchors))
    if not spec.keeps_clean:
        clean = [each for each in segments for _ in range(1 + (each[1] in _TWICE))]
        # Weights for JPEGs are found soon; those without loss are the hardest to better.
        for segment in clean * min(len(spec.qualities), 2):
            yield Condition(_draw_factor(*segment, rng))
    for qualities in itertools.pairwise(spec.qualities):
        yield Condition(1, _draw_quality(*qualities, rng))
        for segment in segments:
            yield Condition(_draw_factor(*segment, rng), _draw_quality(*qualities, rng))


def _draw_factor(low: float, high: float, rng: np.random.Generator) -> float:
    return high if rng.random() < _AT_ANCHOR else rng.uniform(max(low, _SMALLEST), high)


def _draw_quality(low: float, high: float, rng: np.random.Generator) -> float:
    """Draw a whole quality from `low`, and below `high`, whose own segment follows."""
    return low if rng.random() < _AT_ANCHOR else float(rng.integers(int(low), int(high)))
