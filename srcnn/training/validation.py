"""Measure the gain of a stack of luma networks over bicubic, on held-out pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from srcnn.training.factor_interpolation import compute_shares, weights_at
from srcnn.training.luma_network import Luma, sharpen
from srcnn.training.patches import Plane, degrade
from srcnn.training.training_spec import list_measured_factors

_PICTURES = 8  # few, to save time; the comparison at the end uses all
_LARGEST_PX = 384


@torch.no_grad()
def measure_gains(
    stack: Luma, anchors: tuple[float, ...], held_out: Sequence[Plane]
) -> dict[float, float]:
    """Measure the mean gain in PSNR over bicubic, at the anchors and midway between them.

    Args:
        stack: a luma network for each anchor.
        anchors: factors.
        held_out: (H, W) uint8 luma; only the centres of the first few are used.

    Returns:
        The gain in dB by factor.
    """
    crops = [_crop_centre(picture) for picture in held_out[:_PICTURES]]
    return {
        factor: _measure_gain(stack, anchors, factor, crops)
        for factor in list_measured_factors(anchors)
    }


def _measure_gain(
    stack: Luma, anchors: tuple[float, ...], factor: float, crops: Sequence[Plane]
) -> float:
    shares = torch.from_numpy(compute_shares(factor, anchors))
    weights = weights_at(stack, shares)
    return float(np.mean([_measure_crop(crop, weights, factor) for crop in crops]))


def _measure_crop(crop: Plane, weights: Luma, factor: float) -> float:
    shrunk = [int(length / factor) for length in crop.shape]
    height, width = (round(length * factor) for length in shrunk)
    sharp = torch.from_numpy(crop[:height, :width].copy())[None].float() / 255
    enlarged = degrade(sharp, (shrunk[0], shrunk[1]))
    before, after = (
        _compute_error(result, sharp, math.ceil(factor))
        for result in (enlarged, sharpen(enlarged, weights))
    )
    return 10 * math.log10(before / after)


def _compute_error(result: torch.Tensor, sharp: torch.Tensor, border: int) -> float:
    rounded = result.clamp(0, 1).mul(255).round().div(255)
    difference = (rounded - sharp)[:, border:-border, border:-border]
    return float(difference.square().mean()) + 1e-12  # avoids a division by 0 for a flat picture


def _crop_centre(picture: Plane) -> Plane:
    top, left = (max(length - _LARGEST_PX, 0) // 2 for length in picture.shape)
    return picture[top : top + _LARGEST_PX, left : left + _LARGEST_PX]
