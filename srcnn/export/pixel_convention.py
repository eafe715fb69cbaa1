"""Fold pixel conventions into the weights, so that every graph takes BGR 0..255.

A ReLU network is positively homogeneous except for its biases: with all biases times 255,
it maps 255 x to 255 times its former result for x. Reversing the input channels of the first
layer and the output channels of the last converts RGB to BGR; weights for luma have one channel,
and nothing to reverse. Bicubic interpolation is linear
and treats each channel separately, so it commutes with both. Mixing the weights of a bank
commutes with both as well, so the weights of each anchor are folded separately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.export.srcnn_network import ANCHORS, Srcnn
from srcnn.model.pixel_format import WHITE, find_white, is_rgb

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from srcnn.export.srcnn_bank import Network
    from srcnn.model.pixel_format import Convention


def build_network(weights: Mapping[str, torch.Tensor], convention: Convention) -> Network:
    """Build a network with input and output in BGR 0..255, for any convention of the weights.

    Args:
        weights: of `Srcnn` or `SrcnnBank`, from `read_weights`; not modified.
        convention: that the weights were trained for. `bgr-byte` weights are used unchanged.
    """
    folded = dict(weights)
    if find_white(convention) != WHITE:
        folded = _scale_biases(folded)
    if is_rgb(convention):
        folded = _reverse_channels(folded)
    if ANCHORS in folded:
        return SrcnnBank(folded).eval()
    network = Srcnn(folded["conv1.weight"].shape[1])
    network.load_state_dict(folded)
    return network.eval()


def _scale_biases(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name: value * WHITE if name.endswith(".bias") else value for name, value in weights.items()
    }


def _reverse_channels(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # Axes are counted from the end, because a bank's weights have more in front.
    return {
        **weights,
        "conv1.weight": weights["conv1.weight"].flip(-3),
        "conv3.weight": weights["conv3.weight"].flip(-4),
        "conv3.bias": weights["conv3.bias"].flip(-1),
    }
