"""The loss of a batch of patches, and its gradients: each training step sums those of several."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from srcnn.training.luma_network import Luma, sharpen
from srcnn.training.patches import Batch
from srcnn.training.weight_interpolation import weights_at

_OWN_SHARE = 0.5  # of a patch's own bicubic error in the scale of its loss; the rest is the mean


@dataclass(frozen=True)
class BatchGradients:
    """The gradients of one batch.

    Attributes:
        shares: of each network of the stack in the weights of the batch.
        gradients: of those weights, in the order of `Luma.matrices`.
        loss: of the batch, relative to bicubic.
        bicubic: mean squared error of bicubic in the batch.
    """

    shares: torch.Tensor
    gradients: tuple[torch.Tensor, ...]
    loss: float
    bicubic: float


def compute_gradients(
    batch: Batch, stack: Luma, shares: torch.Tensor, mean_error: float | None
) -> BatchGradients:
    """Compute the loss of a batch and its gradients.

    Args:
        batch: patches under one condition.
        stack: a luma network for each anchor.
        shares: of each of them under the batch's condition.
        mean_error: see `compute_relative_loss`.
    """
    weights = weights_at(stack, shares).map(torch.Tensor.requires_grad_)
    loss, bicubic = compute_relative_loss(batch, weights, mean_error)
    gradients = torch.autograd.grad(loss, weights.matrices)
    return BatchGradients(shares, gradients, float(loss.detach()), bicubic)


def compute_relative_loss(
    batch: Batch, weights: Luma, mean_error: float | None
) -> tuple[torch.Tensor, float]:
    """Compute the squared error relative to that of bicubic.

    Otherwise difficult pictures would outweigh smooth ones, and large factors small ones. Half of
    the scale is the patch's own bicubic error, the other half the mean error: flat patches, where
    bicubic is almost exact, must not get unlimited weight.

    Args:
        batch: patches under one condition.
        weights: of one network.
        mean_error: of bicubic in earlier batches; None to use the mean of this batch.

    Returns:
        The mean loss of the batch, and bicubic's mean squared error in it.
    """
    bicubic = batch.errors(batch.enlarged)
    mean = float(bicubic.mean())
    scale = _OWN_SHARE * bicubic + (1 - _OWN_SHARE) * (mean_error or mean) + 1e-8
    errors = batch.errors(sharpen(batch.enlarged, weights))
    return (errors / scale).mean(), mean
