"""Pictures to measure on, cut from the photographs that ship with scikit-image.

They need no reference data, and equal sizes give equal pixels on every machine.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

Pixels: TypeAlias = npt.NDArray[Any]
LOADERS = (data.astronaut, data.chelsea, data.coffee, data.rocket, data.hubble_deep_field)


def load_photographs() -> list[Pixels]:
    """Load the colour photographs, BGR."""
    return [cv2.cvtColor(load(), cv2.COLOR_RGB2BGR) for load in LOADERS]


def make_picture(height: int, width: int, kind: str = "colour") -> Pixels:
    """Make a picture of any size: one photograph, repeated if it is too small.

    Args:
        height: in pixels.
        width: in pixels.
        kind: `colour`, `grey` and `alpha` have 8 bits; `deep` is 16-bit colour.
    """
    sheet = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)[64:320, 128:384]
    if kind == "grey":
        sheet = cv2.cvtColor(sheet, cv2.COLOR_BGR2GRAY)
    elif kind == "alpha":
        sheet = np.dstack([sheet, sheet[:, ::-1, 1]])
    elif kind == "deep":
        sheet = sheet.astype(np.uint16) * 257
    picture = np.empty((height, width, *sheet.shape[2:]), sheet.dtype)
    # Filled part by part: a tiled copy that is cropped later would raise the peak memory.
    for top in range(0, height, sheet.shape[0]):
        for left in range(0, width, sheet.shape[1]):
            part = picture[top : top + sheet.shape[0], left : left + sheet.shape[1]]
            part[:] = sheet[: part.shape[0], : part.shape[1]]
    return picture


def make_crops(count: int, height: int, width: int, seed: int = 0) -> list[Pixels]:
    """Make different pictures of one size: random crops, shrunk by random factors."""
    random = np.random.default_rng(seed)
    sources = load_photographs()
    crops = []
    for index in range(count):
        source = sources[index % len(sources)]
        most = min(source.shape[0] / height, source.shape[1] / width)
        factor = random.uniform(min(1, most), most)
        tall, wide = min(int(height * factor), source.shape[0]), int(width * factor)
        top = random.integers(source.shape[0] - tall + 1)
        left = random.integers(source.shape[1] - wide + 1)
        crop = source[top : top + tall, left : left + wide]
        crops.append(cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA))
    return crops
