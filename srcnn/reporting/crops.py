"""Crops of an image before and after, where it has the most detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.images.pixels import GREY, Pixels

Bytes: TypeAlias = npt.NDArray[np.uint8]

_GREY_LEVEL = 128  # behind transparent pixels
_STEPS = 16  # places, along each axis, at which a crop is tried


@dataclass(frozen=True)
class Pair:
    """One region of an image, twice.

    Attributes:
        before: enlarged from the source, (H, W, 3) uint8 BGR.
        after: cut from the output, of the same form.
    """

    before: Bytes
    after: Bytes


def crop_pair(source: Pixels, output: Pixels, side_px: int) -> Pair:
    """Cut the most detailed region of a size, and enlarge the source's part of it.

    Args:
        source: a picture, of any depth.
        output: the same, enlarged.
        side_px: the most pixels of the output that the region has along a side.
    """
    (height, width), (height_out, width_out) = source.shape[:2], output.shape[:2]
    side_y = max(1, min(height, side_px * height // height_out))
    side_x = max(1, min(width, side_px * width // width_out))
    top, left = find_most_detailed(source, Size(side_y, side_x))
    y0, y1 = (round(y * height_out / height) for y in (top, top + side_y))
    x0, x1 = (round(x * width_out / width) for x in (left, left + side_x))
    before = to_screen(source[top : top + side_y, left : left + side_x])
    enlarged = cv2.resize(before, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    return Pair(np.asarray(enlarged, np.uint8), to_screen(output[y0:y1, x0:x1]))


def find_most_detailed(picture: Pixels, size: Size) -> tuple[int, int]:
    """Top and left of the region with the most edges and texture.

    Args:
        picture: of any depth.
        size: of the region; fits into the picture.
    """
    height, width = picture.shape[:2]
    tops = np.unique(np.linspace(0, height - size.height, _STEPS).astype(int))
    lefts = np.unique(np.linspace(0, width - size.width, _STEPS).astype(int))
    places = [(int(top), int(left)) for top in tops for left in lefts]
    return max(places, key=lambda at: _measure_detail(picture, at, size))


def _measure_detail(picture: Pixels, at: tuple[int, int], size: Size) -> float:
    """Variance of the Laplacian, a measure of focus: contrast would prefer two flat halves."""
    region = picture[at[0] : at[0] + size.height, at[1] : at[1] + size.width]
    green = region if region.ndim == GREY else region[:, :, 1]
    return float(cv2.Laplacian(np.ascontiguousarray(green), cv2.CV_32F).var())


def to_screen(picture: Pixels) -> Bytes:
    """Return a picture as a screen shows it: (H, W, 3) uint8 BGR, in front of grey.

    Args:
        picture: of any depth.
    """
    deep = picture.dtype == np.uint16
    levels = picture.astype(np.float32) / np.float32(257 if deep else 1)
    if levels.ndim == GREY:
        levels = np.repeat(levels[:, :, None], 3, axis=2)
    if levels.shape[2] > 3:  # noqa: PLR2004 - BGRA
        opaque = levels[:, :, 3:] / np.float32(255)
        levels = levels[:, :, :3] * opaque + _GREY_LEVEL * (1 - opaque)
    levels_8: Bytes = np.rint(levels).astype(np.uint8)
    return levels_8
