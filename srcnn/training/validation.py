"""How much better than bicubic a stack of luma networks is, on pictures held out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from srcnn.training.factor_interpolation import hats, weights_at
from srcnn.training.luma_network import Luma, sharpen
from srcnn.training.patches import Plane, degraded
from srcnn.training.training_spec import between

_PICTURES = 8  # as many as fit between steps; the verdict at the end takes them all
_LARGEST_PX = 384


@torch.no_grad()
def gains(stack: Luma, anchors: tuple[float, ...], held_out: Sequence[Plane]) -> dict[float, float]:
    """Mean gain in PSNR over bicubic, in dB by factor: at the anchors, and midway between.

    Args:
        stack: a luma network for each anchor.
        anchors: the factors that they are for.
        held_out: (H, W) uint8 luma; of the first few, the middle is taken.
    """
    crops = [_middle(picture) for picture in held_out[:_PICTURES]]
    return {factor: _gain(stack, anchors, factor, crops) for factor in between(anchors)}


def _gain(stack: Luma, anchors: tuple[float, ...], factor: float, crops: Sequence[Plane]) -> float:
    shares = torch.from_numpy(hats(factor, anchors))
    weights = weights_at(stack, shares)
    return float(np.mean([_gain_of(crop, weights, factor) for crop in crops]))


def _gain_of(crop: Plane, weights: Luma, factor: float) -> float:
    shrunk = [int(length / factor) for length in crop.shape]
    height, width = (round(length * factor) for length in shrunk)
    sharp = torch.from_numpy(crop[:height, :width].copy())[None].float() / 255
    enlarged = degraded(sharp, (shrunk[0], shrunk[1]))
    before, after = (
        _error(result, sharp, math.ceil(factor))
        for result in (enlarged, sharpen(enlarged, weights))
    )
    return 10 * math.log10(before / after)


def _error(result: torch.Tensor, sharp: torch.Tensor, border: int) -> float:
    rounded = result.clamp(0, 1).mul(255).round().div(255)
    difference = (rounded - sharp)[:, border:-border, border:-border]
    return float(difference.square().mean()) + 1e-12  # a flat picture has no error


def _middle(picture: Plane) -> Plane:
    top, left = (max(length - _LARGEST_PX, 0) // 2 for length in picture.shape)
    return picture[top : top + _LARGEST_PX, left : left + _LARGEST_PX]
