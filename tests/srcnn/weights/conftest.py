"""The bundled model, and photographs that no training has seen."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from skimage import data

import srcnn


@pytest.fixture(scope="module")
def upscaler() -> srcnn.Upscaler:
    return srcnn.Upscaler.load()


@pytest.fixture(scope="module")
def photographs() -> list[npt.NDArray[np.uint8]]:
    """BGR, and in no data set that anybody trains on."""
    makers = (data.astronaut, data.chelsea, data.coffee)
    return [cv2.cvtColor(make(), cv2.COLOR_RGB2BGR) for make in makers]
