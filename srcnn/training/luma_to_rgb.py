"""Convert luma networks to three-channel SRCNN weights, and back.

Of the 64 and 32 channels, three carry red, green and blue through the ReLUs, with an offset so
that no value is clipped. The others see luma; their output is added equally to each colour.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from srcnn.errors import CheckpointError
from srcnn.training.luma_network import FEATURES, MAPPED, Luma

RED_GREEN_BLUE = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601
# The cubic with a = -0.75 overshoots [0, 1] by less than 0.45 on either side.
_OFFSET = 0.5
_TOLERANCE = 1e-5


def to_colour(stack: Luma) -> dict[str, torch.Tensor]:
    """Convert luma networks to the weights of a bank for RGB in [0, 1].

    Args:
        stack: of K luma networks.

    Returns:
        The weights by the parameter names of `srcnn.export.srcnn_network.Srcnn`, each with a
        leading axis K.
    """
    count = len(stack.first)
    first, second = torch.zeros(count, 64, 3, 9, 9), torch.zeros(count, 32, 64, 1, 1)
    third = torch.zeros(count, 3, 32, 5, 5)
    filters = stack.first[..., :-1].reshape(count, FEATURES, 1, 9, 9)
    first[:, :FEATURES] = filters * torch.tensor(RED_GREEN_BLUE).view(3, 1, 1)
    second[:, :MAPPED, :FEATURES, 0, 0] = stack.second[..., :-1]
    third[:, :, :MAPPED] = stack.third.mT.reshape(count, 1, MAPPED, 5, 5)
    for colour in range(3):
        first[:, FEATURES + colour, colour, 4, 4] = 1
        second[:, MAPPED + colour, FEATURES + colour] = 1
        third[:, colour, MAPPED + colour, 2, 2] = 1
    offset = torch.full((count, 3), _OFFSET)
    return {
        "conv1.weight": first,
        "conv1.bias": torch.cat([stack.first[..., -1], offset], 1),
        "conv2.weight": second,
        "conv2.bias": torch.cat([stack.second[..., -1], 0 * offset], 1),
        "conv3.weight": third,
        "conv3.bias": stack.offset[..., 0] - offset,
    }


def to_luma(weights: Mapping[str, torch.Tensor]) -> Luma:
    """Convert the weights of a bank from `to_colour` back to luma networks.

    Args:
        weights: of a bank, for RGB in [0, 1].

    Raises:
        CheckpointError: the weights do not have this structure.
    """
    first, second, third = (weights[f"conv{layer}.weight"].float() for layer in (1, 2, 3))
    stack = Luma(
        _append_bias(first[:, :FEATURES].sum(2).flatten(2), weights["conv1.bias"]),
        _append_bias(second[:, :MAPPED, :FEATURES, 0, 0], weights["conv2.bias"]),
        third[:, 0, :MAPPED].flatten(2).mT.contiguous(),
        (weights["conv3.bias"][:, :1] + _OFFSET)[..., None],
    )
    for name, expected in to_colour(stack).items():
        if not torch.allclose(expected, weights[name].float(), atol=_TOLERANCE):
            raise CheckpointError(
                f"the weights were not trained on luma ({name} differs), so training cannot "
                "continue from them: start from the identity"
            )
    return stack


def _append_bias(matrix: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return torch.cat([matrix, bias[:, : matrix.shape[1], None].float()], 2)
