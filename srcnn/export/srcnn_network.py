"""The SRCNN network in PyTorch: three convolutions, whose weights may depend on the factor.

Independent of files, pixel conventions and exporters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import nn
from torch.nn.functional import conv2d

from srcnn.export.ops import repeat_border
from srcnn.graphs.graph_format import LUMA, STEPS_PER_FACTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHANNELS = 3
ANCHORS = "anchors"
"""Key of a bank's checkpoint: the factors that its weights belong to."""
_REACHES = (4, 0, 2)  # px to each side, of the kernels 9, 1 and 5


class _Sharpening(nn.Module):
    """What convolutions do: they take BGR, or luma, to which they add."""

    luma: torch.Tensor

    def __init__(self, *, is_luma: bool) -> None:
        super().__init__()
        self.is_luma = is_luma
        self.paddings = (0, 0, 0) if is_luma else _REACHES
        if is_luma:
            weights = torch.tensor(LUMA).view(1, CHANNELS, 1, 1)
            self.register_buffer("luma", weights, persistent=False)

    def sharpen(
        self, upsampled: torch.Tensor, convolve: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        if not self.is_luma:
            return convolve(upsampled)
        luma = (upsampled * self.luma).sum(1, keepdim=True)
        # The border is repeated once, before all convolutions: what is flat stays flat.
        added = convolve(repeat_border(luma, sum(_REACHES)))
        # Not broadcast: OpenVINO 2026.4 and OpenCV 5.0 fail on a convolution and an Add that is.
        return upsampled + torch.cat([added] * CHANNELS, 1)


class Srcnn(_Sharpening):
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
        weight = torch.matmul(hats, self.weight).reshape(self.shape)
        return weight, torch.matmul(hats, self.bias)


class SrcnnBank(_Sharpening):
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
        super().__init__(is_luma=weights["conv1.weight"].shape[2:3] == (1,))
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
            network = Srcnn(1 if self.is_luma else CHANNELS)
        weights: dict[str, torch.Tensor] = {}
        for name in ("conv1", "conv2", "conv3"):
            rows: _Rows = getattr(self, name)
            weights[f"{name}.weight"], weights[f"{name}.bias"] = rows.mix(hats)
        network.load_state_dict(weights, assign=True)
        if self.is_luma:
            network.luma = self.luma  # that of a network without memory has no values
        return network.eval()

    def forward(self, upsampled: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Sharpen an upsampled image with the weights of its factor.

        Args:
            upsampled: as for `Srcnn.forward`.
            factor: (4,) float32 [1, 1, fh, fw].

        Returns:
            (N, 3, H, W) float32, not clipped.
        """
        hats = self.compute_hats(factor)
        return self.sharpen(upsampled, lambda planes: self._convolve(planes, hats))

    def _convolve(self, planes: torch.Tensor, hats: torch.Tensor) -> torch.Tensor:
        first, _, last = self.paddings
        features = torch.relu(conv2d(planes, *self.conv1.mix(hats), padding=first))
        mapped = torch.relu(conv2d(features, *self.conv2.mix(hats)))
        return conv2d(mapped, *self.conv3.mix(hats), padding=last)


Network: TypeAlias = Srcnn | SrcnnBank
