"""The SRCNN network in PyTorch: bicubic upsampling, then three convolutions.

Knows nothing of files, pixel conventions or exporters.
"""

from __future__ import annotations

import torch
from torch import nn

CHANNELS = 3


class Srcnn(nn.Module):
    """The three convolutions 9-1-5 of SRCNN, on an image that is already upsampled.

    Dong et al., "Image Super-Resolution Using Deep Convolutional Networks",
    TPAMI 2016, section 4.1 (filters 64 and 32) in its three-channel form
    (section 4.4.2), with zero padding so that the size is kept.
    """

    def __init__(self) -> None:
        """Build the layers, initialised at random."""
        super().__init__()
        self.conv1 = nn.Conv2d(CHANNELS, 64, kernel_size=9, padding=4)
        self.conv2 = nn.Conv2d(64, 32, kernel_size=1)
        self.conv3 = nn.Conv2d(32, CHANNELS, kernel_size=5, padding=2)

    def forward(self, upsampled: torch.Tensor) -> torch.Tensor:
        """Sharpen an upsampled image.

        Args:
            upsampled: (N, 3, H, W) float32, in the range the weights were made for.

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        features = torch.relu(self.conv1(upsampled))
        mapped = torch.relu(self.conv2(features))
        restored: torch.Tensor = self.conv3(mapped)
        return restored
