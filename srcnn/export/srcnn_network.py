"""The SRCNN network in PyTorch: three convolutions, whose weights may depend on the factor.

Independent of files, pixel conventions and exporters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import nn
from torch.nn.functional import conv2d

from srcnn.graphs.graph_format import STEPS_PER_FACTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANNELS = 3
ANCHORS = "anchors"
"""Key of a bank's checkpoint: the factors that its weights belong to."""


class Srcnn(nn.Module):
    """The three convolutions 9-1-5 of SRCNN, for an image that is already upsampled.

    Dong et al., "Image Super-Resolution Using Deep Convolutional Networks", TPAMI 2016,
    section 4.1 (64 and 32 filters), in the three-channel form of section 4.4.2. Zero padding
    keeps the size.
    """

    def __init__(self) -> None:
        """Create the layers with random weights."""
        super().__init__()
        self.conv1 = nn.Conv2d(CHANNELS, 64, kernel_size=9, padding=4)
        self.conv2 = nn.Conv2d(64, 32, kernel_size=1)
        self.conv3 = nn.Conv2d(32, CHANNELS, kernel_size=5, padding=2)

    def forward(self, upsampled: torch.Tensor) -> torch.Tensor:
        """Sharpen an upsampled image.

        Args:
            upsampled: (N, 3, H, W) float32, in the range that the weights were trained for.

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        features = torch.relu(self.conv1(upsampled))
        mapped = torch.relu(self.conv2(features))
        restored: torch.Tensor = self.conv3(mapped)
        return restored

    def at(self, factor: torch.Tensor) -> Srcnn:  # noqa: ARG002 - as `SrcnnBank.at`
        """Return the network of one factor: this network, for any factor."""
        return self


class _Rows(nn.Module):
    """The weights of one convolution, one row per anchor, so that the hats can mix them."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.shape = weight.shape[1:]
        self.register_buffer("weight", weight.flatten(1))
        self.register_buffer("bias", bias)

    def mix(self, hats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix the convolution's weight and bias; `hats` (K,) is the share of each anchor."""
        return torch.matmul(hats, self.weight).reshape(self.shape), torch.matmul(hats, self.bias)


class SrcnnBank(nn.Module):
    """SRCNN with weights that depend on the factor: linear between anchors, constant beyond them.

        f     = round(16 * mean(fh, fw)) / 16                     halves to even
        r_k   = clip((f - a_k) / (a_{k+1} - a_k), 0, 1)           k = 0 .. K-2
        hat_k = r_{k-1} - r_k                                     with r_{-1} = 1, r_{K-1} = 0
        W(f)  = sum of hat_k W_k                                  for every weight and bias

    All in float32. At an anchor one hat is 1 and the others are 0, so the anchor's weights are
    reproduced bit for bit. Rounding to sixteenths limits the number of different networks.
    """

    anchors: torch.Tensor
    starts: torch.Tensor
    widths: torch.Tensor
    one: torch.Tensor
    zero: torch.Tensor

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Store the weights of a bank.

        Args:
            weights: `anchors` (K,) float32, two or more, ascending; and the parameters of
                `Srcnn` by name, each with a leading axis K.
        """
        super().__init__()
        self.register_buffer("anchors", weights[ANCHORS])
        # Computed in advance, so that they become named constants of the graph.
        self.register_buffer("starts", self.anchors[:-1])
        self.register_buffer("widths", self.anchors.diff())
        self.register_buffer("one", torch.ones(1))
        self.register_buffer("zero", torch.zeros(1))
        self.conv1, self.conv2, self.conv3 = (
            _Rows(weights[f"{name}.weight"], weights[f"{name}.bias"])
            for name in ("conv1", "conv2", "conv3")
        )

    def compute_hats(self, factor: torch.Tensor) -> torch.Tensor:
        """Compute the share (K,) float32 of each anchor for (4,) float32 [1, 1, fh, fw]."""
        mean = factor[2:4].mean(0, keepdim=True)
        nearest = torch.round(mean * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
        ramps = ((nearest - self.starts) / self.widths).clamp(0, 1)
        return torch.cat([self.one, ramps]) - torch.cat([ramps, self.zero])

    def at(self, factor: torch.Tensor) -> Srcnn:
        """Make the network of one factor.

        Args:
            factor: (4,) float32 [1, 1, fh, fw].
        """
        hats = self.compute_hats(factor)
        with torch.device("meta"):  # no memory and no random numbers: the weights are replaced
            network = Srcnn()
        weights: dict[str, torch.Tensor] = {}
        for name in ("conv1", "conv2", "conv3"):
            rows: _Rows = getattr(self, name)
            weights[f"{name}.weight"], weights[f"{name}.bias"] = rows.mix(hats)
        network.load_state_dict(weights, assign=True)
        return network.eval()

    def forward(self, upsampled: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Sharpen an upsampled image with the weights of its factor.

        Args:
            upsampled: (N, 3, H, W) float32, in the range that the weights were trained for.
            factor: (4,) float32 [1, 1, fh, fw].

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        hats = self.compute_hats(factor)
        features = torch.relu(conv2d(upsampled, *self.conv1.mix(hats), padding=4))
        mapped = torch.relu(conv2d(features, *self.conv2.mix(hats)))
        return conv2d(mapped, *self.conv3.mix(hats), padding=2)


Network: TypeAlias = Srcnn | SrcnnBank
