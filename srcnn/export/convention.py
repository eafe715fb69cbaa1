"""Pixel conventions, folded into weights so that every graph takes BGR 0..255.

A ReLU network is positively homogeneous up to its biases: with all biases times
255 it maps 255 x to 255 times what it mapped x to. Reversing the input channels of
the first layer and the output channels of the last turns RGB into BGR. Bicubic
interpolation is linear and works on each channel alone, so it commutes with both.
So does mixing the weights of a bank: each anchor is folded by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcnn.export.srcnn_network import ANCHORS, Srcnn, SrcnnBank

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from srcnn.export.srcnn_network import Network
    from srcnn.model.card import Convention

WHITE = 255.0


def bgr_byte_network(weights: Mapping[str, torch.Tensor], convention: Convention) -> Network:
    """A network that takes and gives BGR 0..255, whatever its checkpoint was made for.

    Args:
        weights: of `Srcnn` or `SrcnnBank`, as `read_weights` gives them; left as they are.
        convention: what they were made for. `bgr-byte` weights are used bit for bit.
    """
    folded = weights if convention == "bgr-byte" else _from_rgb_unit(weights)
    if ANCHORS in folded:
        return SrcnnBank(folded).eval()
    network = Srcnn()
    network.load_state_dict(dict(folded))
    return network.eval()


def _from_rgb_unit(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    folded = {
        name: value * WHITE if name.endswith(".bias") else value for name, value in weights.items()
    }
    # Axes are counted from the end: a bank's weights have one more in front.
    folded["conv1.weight"] = folded["conv1.weight"].flip(-3)
    folded["conv3.weight"] = folded["conv3.weight"].flip(-4)
    folded["conv3.bias"] = folded["conv3.bias"].flip(-1)
    return folded
