"""The SRCNN network in PyTorch: three convolutions.

Independent of files, pixel conventions and exporters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from srcnn.export.torch_operators import repeat_border
from srcnn.graphs.graph_format import CLEAN, LUMA

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = 3
ANCHORS = "anchors"
"""Key of a bank's checkpoint: the factors that its weights belong to."""
QUALITIES = "qualities"
"""Key of a bank's checkpoint: the JPEG qualities that its weights belong to, if they have any."""
LAYERS = ("conv1", "conv2", "conv3")
REACHES = (4, 0, 2)  # px to each side, of the kernels 9, 1 and 5


class Sharpening(nn.Module):
    """What convolutions do: they take BGR, or luma, to which they add."""

    luma: torch.Tensor

    def __init__(self, *, is_luma: bool) -> None:
        """Store whether the convolutions take luma."""
        super().__init__()
        self.is_luma = is_luma
        self.paddings = (0, 0, 0) if is_luma else REACHES
        if is_luma:
            weights = torch.tensor(LUMA).view(1, CHANNELS, 1, 1)
            self.register_buffer("luma", weights, persistent=False)

    def sharpen(
        self, upsampled: torch.Tensor, convolve: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """Sharpen an upsampled image (N, 3, H, W).

        Args:
            upsampled: BGR, or RGB if the convolutions take three channels.
            convolve: the convolutions. Those of luma make planes smaller by their reach.
        """
        if not self.is_luma:
            return convolve(upsampled)
        luma = (upsampled * self.luma).sum(1, keepdim=True)
        # The border is repeated once, before all convolutions: what is flat stays flat.
        added = convolve(repeat_border(luma, sum(REACHES)))
        # Not broadcast: OpenVINO 2026.4 and OpenCV 5.0 fail on a convolution and an Add that is.
        return upsampled + torch.cat([added] * CHANNELS, 1)


class Srcnn(Sharpening):
    """The three convolutions 9-1-5 of SRCNN, for an image that is already upsampled.

    Dong et al., "Image Super-Resolution Using Deep Convolutional Networks", TPAMI 2016,
    section 4.1 (64 and 32 filters). With three channels (section 4.4.2), zero padding keeps the
    size, as in published checkpoints. With one channel, the network takes luma, and its output is
    added to all three colours (a residual, as in Kim et al., "Accurate Image Super-Resolution
    Using Very Deep Convolutional Networks", CVPR 2016); the border is repeated.
    """

    def __init__(self, channels: int = CHANNELS) -> None:
        """Create the layers with random weights.

        Args:
            channels: 3, or 1 for luma.
        """
        super().__init__(is_luma=channels == 1)
        first, _, last = self.paddings
        self.conv1 = nn.Conv2d(channels, 64, kernel_size=9, padding=first)
        self.conv2 = nn.Conv2d(64, 32, kernel_size=1)
        self.conv3 = nn.Conv2d(32, channels, kernel_size=5, padding=last)

    def forward(self, upsampled: torch.Tensor) -> torch.Tensor:
        """Sharpen an upsampled image.

        Args:
            upsampled: (N, 3, H, W) float32 BGR, in the range that the weights were trained for.
                Weights of three channels may also be for RGB.

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        return self.sharpen(upsampled, self._convolve)

    def _convolve(self, planes: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.conv1(planes))
        mapped = torch.relu(self.conv2(features))
        restored: torch.Tensor = self.conv3(mapped)
        return restored

    def at(self, factor: torch.Tensor, quality: float = CLEAN) -> Srcnn:  # noqa: ARG002 - as `SrcnnBank.at`
        """Return the network of one factor and quality: this network, for any."""
        return self
