"""Shares of the anchors in the weights of a bank: linear interpolation, in PyTorch and in graphs.

    f     = round(16 * mean(fh, fw)) / 16                     the factor, halves to even
    q     = round(quality / 2.5) * 2.5                        the quality, in the same way
    r_k   = clip((f - a_k) / (a_{k+1} - a_k), 0, 1)           k = 0 .. K-2
    hat_k = r_{k-1} - r_k                                     with r_{-1} = 1, r_{K-1} = 0

and the same for q and its anchors. All in float32. At an anchor one hat is 1 and the others are 0.
Rounding limits the number of different networks.
"""

from __future__ import annotations

import torch
from torch import nn

from srcnn.graphs.graph_format import QUALITY_STEP, STEPS_PER_FACTOR


def round_factor(factor: torch.Tensor) -> torch.Tensor:
    """Round the mean of both axes of (4,) float32 [1, 1, fh, fw] to sixteenths, (1,)."""
    mean = factor[2:4].mean(0, keepdim=True)
    return torch.round(mean * STEPS_PER_FACTOR) / STEPS_PER_FACTOR


def compute_hats(
    value: torch.Tensor,
    starts: torch.Tensor,
    widths: torch.Tensor,
    one: torch.Tensor,
    zero: torch.Tensor,
) -> torch.Tensor:
    """Compute the share of each anchor, along the first axis.

    Args:
        value: (1,) float32.
        starts: all anchors but the last, ascending or descending.
        widths: from each to the next; negative if they descend.
        one: the number 1, of one element and as many axes as `starts`.
        zero: the number 0, in the same way.
    """
    ramps = ((value - starts) / widths).clamp(0, 1)
    return torch.cat([one, ramps]) - torch.cat([ramps, zero])


class QualityHats(nn.Module):
    """The shares of the qualities, the highest first, as a column."""

    anchors: torch.Tensor
    starts: torch.Tensor
    widths: torch.Tensor
    one: torch.Tensor
    zero: torch.Tensor

    def __init__(self, anchors: torch.Tensor) -> None:
        """Store the anchors.

        Args:
            anchors: (M,) float32, ascending.
        """
        super().__init__()
        self.register_buffer("anchors", anchors)
        column = anchors.flip(0)[:, None]
        # Computed in advance, so that they become named constants of the graph.
        self.register_buffer("starts", column[:-1])
        self.register_buffer("widths", column.diff(dim=0))
        self.register_buffer("one", torch.ones(1, 1))
        self.register_buffer("zero", torch.zeros(1, 1))

    def forward(self, quality: torch.Tensor) -> torch.Tensor:
        """Compute the shares (M, 1) for (1,) float32, 1 to 100."""
        nearest = torch.round(quality / QUALITY_STEP) * QUALITY_STEP
        return compute_hats(nearest, self.starts, self.widths, self.one, self.zero)
