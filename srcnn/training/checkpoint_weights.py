"""Convert luma networks to the weights of a checkpoint, by name, and back.

The names are those of the parameters of `srcnn.export.srcnn_network.Srcnn` with one channel, the
values for [0, 1]. All weights have a leading axis K, the anchors.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from srcnn.training.luma_network import FEATURES, FIRST_PX, LAST_PX, MAPPED, Luma


def to_checkpoint_weights(stack: Luma) -> dict[str, torch.Tensor]:
    """Convert K luma networks to the weights of a bank."""
    count = len(stack.first)
    views = {
        "conv1.weight": stack.first[..., :-1].reshape(count, FEATURES, 1, FIRST_PX, FIRST_PX),
        "conv1.bias": stack.first[..., -1],
        "conv2.weight": stack.second[..., :-1].reshape(count, MAPPED, FEATURES, 1, 1),
        "conv2.bias": stack.second[..., -1],
        "conv3.weight": stack.third.mT.reshape(count, 1, MAPPED, LAST_PX, LAST_PX),
        "conv3.bias": stack.offset[..., 0],
    }
    return {name: view.contiguous() for name, view in views.items()}  # a file stores whole storages


def from_checkpoint_weights(weights: Mapping[str, torch.Tensor]) -> Luma:
    """Convert the weights of a bank to K luma networks."""
    first, second, third = (weights[f"conv{layer}.weight"].flatten(2) for layer in (1, 2, 3))
    return Luma(
        torch.cat([first, weights["conv1.bias"][..., None]], 2),
        torch.cat([second, weights["conv2.bias"][..., None]], 2),
        third.reshape(len(third), MAPPED, LAST_PX**2).mT.contiguous(),
        weights["conv3.bias"][..., None],
    )
