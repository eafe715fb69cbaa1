"""Training data: random patches, sharp, and degraded and enlarged again.

A patch is shrunk and enlarged like a separate picture, with its own border. So training sees
exactly what the exported graph computes, including at the border. The border has a lower weight,
because its share of a patch is larger than of a photograph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from srcnn.errors import UsageError
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import shrink_taps
from srcnn.training.degrade_patches import degrade, draw_degradation

Plane = npt.NDArray[np.uint8]

SMALLEST_PX, _LARGEST_PX = 96, 192  # sides of a patch
_SHRUNK_PX = 24  # side of a shrunk patch, within the limits above
_TWO_BELOW_PX = 120  # of the smaller patches, two are drawn
_BORDER_PX, _BORDER_WEIGHT = 6, 0.3
_COPIES = (0.8, 0.6)  # sizes of smaller, sharper copies of each picture
# Most pictures were JPEGs once. At factors below this they are halved first: else a network that
# cleans up would be taught the damage that they have themselves.
_HALVED_BELOW = 1.5
# Photographs hold few areas of one level, and hardly any black ones. Scans, logos and renderings
# do: without such patches, black became dark grey at large factors.
_FLAT_SHARE = 1 / 16


@dataclass(frozen=True)
class Batch:
    """Patches under one condition.

    Attributes:
        enlarged: (N, H, W) float32 luma in [0, 1], shrunk and upsampled again.
        sharp: (N, H, W) float32, the original.
        pixel_weights: (H, W) float32, weight of each pixel in the error.
    """

    enlarged: torch.Tensor
    sharp: torch.Tensor
    pixel_weights: torch.Tensor

    def errors(self, result: torch.Tensor) -> torch.Tensor:
        """Compute the weighted mean squared errors, (N,), of a result (N, H, W)."""
        return ((result - self.sharp).square() * self.pixel_weights).mean((1, 2))

    def to(self, device: torch.device) -> Batch:
        """Move the batch to a device."""
        return Batch(self.enlarged.to(device), self.sharp.to(device), self.pixel_weights.to(device))


class Patches:
    """Random patches of a set of pictures."""

    def __init__(self, pictures: Sequence[Plane]) -> None:
        """Add the smaller copies of the pictures.

        Args:
            pictures: (H, W) uint8, luma of BT.601 in full range.

        Raises:
            UsageError: no picture is large enough for patches at every factor.
        """
        copies = [copy for picture in pictures for copy in _make_copies(picture, _COPIES)]
        self._pictures = [*pictures, *copies]
        self._halves = [half for picture in pictures for half in _make_copies(picture, (0.5,))]
        self._largest_half = max((min(half.shape) for half in self._halves), default=0)
        if not any(min(picture.shape) >= _LARGEST_PX for picture in self._pictures):
            raise UsageError(
                f"none of {len(pictures)} pictures is {_LARGEST_PX} x {_LARGEST_PX} px or larger: "
                "training needs at least one"
            )

    def draw(self, condition: Condition, rng: np.random.Generator) -> Batch:
        """Draw one or two patches for a condition."""
        factor = condition.factor
        side = min(max(round(_SHRUNK_PX * factor), SMALLEST_PX), _LARGEST_PX)
        shrunk = max(round(side / factor), 1)
        side = min(round(shrunk * factor), _LARGEST_PX)
        number = 2 if side < _TWO_BELOW_PX else 1
        crops = [_crop(self._choose_pictures(condition, side), side, rng) for _ in range(number)]
        if rng.random() < _FLAT_SHARE:
            level = int(rng.choice([0, 255, int(rng.integers(256))]))
            crops[0] = np.full((side, side), level, np.uint8)
        sharp = torch.from_numpy(np.stack(crops)).float() / 255
        degradation = draw_degradation(condition, rng)
        return Batch(
            degrade(sharp, (shrunk, shrunk), degradation), sharp, _make_pixel_weights(side)
        )

    def _choose_pictures(self, condition: Condition, side: int) -> Sequence[Plane]:
        if condition.is_clean or condition.factor >= _HALVED_BELOW or side > self._largest_half:
            return self._pictures
        return self._halves


def _crop(pictures: Sequence[Plane], side: int, rng: np.random.Generator) -> Plane:
    picture = pictures[int(rng.integers(len(pictures)))]
    while min(picture.shape) < side:
        picture = pictures[int(rng.integers(len(pictures)))]
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape)
    crop: Plane = np.rot90(picture[top : top + side, left : left + side], int(rng.integers(4)))
    return crop[:, ::-1] if rng.random() < 0.5 else crop  # noqa: PLR2004 - half of them


@lru_cache(maxsize=64)
def _make_pixel_weights(side: int) -> torch.Tensor:
    weights = torch.full((side, side), _BORDER_WEIGHT)
    weights[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX] = 1
    return weights


def _make_copies(picture: Plane, shares: Sequence[float]) -> Iterator[Plane]:
    for share in shares:
        size = tuple(int(length * share) for length in picture.shape)
        if min(size) >= SMALLEST_PX:
            down, across = (shrink_taps(*axis) for axis in zip(picture.shape, size, strict=True))
            copy: npt.NDArray[Any] = down @ picture @ across.T
            yield np.rint(copy).clip(0, 255).astype(np.uint8)
