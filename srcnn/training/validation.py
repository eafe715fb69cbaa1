"""Measure the gain of a stack of luma networks over bicubic, on held-out pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import degrade as degrade_picture
from srcnn.training.degrade_patches import Degradation, degrade
from srcnn.training.luma_network import Luma, sharpen
from srcnn.training.patches import Plane
from srcnn.training.training_spec import TrainingSpec, list_conditions
from srcnn.training.weight_interpolation import compute_shares, weights_at

_PICTURES = 8  # few, to save time; the comparison at the end uses all
_LARGEST_PX = 384
_PICTURES_WITH_LOSS, _LARGEST_WITH_LOSS_PX = 4, 256  # there are many more conditions with loss


@torch.no_grad()
def measure_gains(
    stack: Luma, spec: TrainingSpec, held_out: Sequence[Plane]
) -> dict[Condition, float]:
    """Measure the mean gain in PSNR over bicubic, at the anchors and midway between them.

    Args:
        stack: a luma network for each factor and quality.
        spec: of the training.
        held_out: (H, W) uint8 luma; only the centres of the first few are used.

    Returns:
        The gain in dB by condition.
    """
    return {
        condition: _measure_gain(stack, spec, condition, held_out)
        for condition in list_conditions(spec)
    }


def _measure_gain(
    stack: Luma, spec: TrainingSpec, condition: Condition, held_out: Sequence[Plane]
) -> float:
    number, side = (
        (_PICTURES, _LARGEST_PX)
        if condition.is_clean
        else (_PICTURES_WITH_LOSS, _LARGEST_WITH_LOSS_PX)
    )
    weights = weights_at(stack, torch.from_numpy(compute_shares(condition, spec)))
    crops = [_crop_centre(_prepare(picture, condition), side) for picture in held_out[:number]]
    return float(np.mean([_measure_crop(crop, weights, condition) for crop in crops]))


def _prepare(picture: Plane, condition: Condition) -> Plane:
    """Halve a picture that will not be shrunk: it must not carry a JPEG of its own."""
    return degrade_picture(picture, 2)[1] if condition.factor == 1 else picture


def _measure_crop(crop: Plane, weights: Luma, condition: Condition) -> float:
    shrunk = [int(length / condition.factor) for length in crop.shape]
    height, width = (round(length * condition.factor) for length in shrunk)
    sharp = torch.from_numpy(crop[:height, :width].copy())[None].float() / 255
    enlarged = degrade(sharp, (shrunk[0], shrunk[1]), Degradation(condition.quality))
    before, after = (
        _compute_error(result, sharp, math.ceil(condition.factor))
        for result in (enlarged, sharpen(enlarged, weights))
    )
    return 10 * math.log10(before / after)


def _compute_error(result: torch.Tensor, sharp: torch.Tensor, border: int) -> float:
    rounded = result.clamp(0, 1).mul(255).round().div(255)
    difference = (rounded - sharp)[:, border:-border, border:-border]
    return float(difference.square().mean()) + 1e-12  # avoids a division by 0 for a flat picture


def _crop_centre(picture: Plane, side: int) -> Plane:
    top, left = (max(length - side, 0) // 2 for length in picture.shape)
    return picture[top : top + side, left : left + side]
