"""Results that cannot be right are rejected; others pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

import srcnn
from srcnn.errors import InferenceFailedError
from srcnn.geometry import Size
from srcnn.inference.output_check import check_result

bundled = cache(srcnn.Upscaler.load)
DEPTHS = [(np.uint8, 1), (np.uint16, 257)]


def pattern(levels: int, dtype: Any) -> np.ndarray:
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 3)) * levels
    return image.astype(dtype)


@pytest.mark.parametrize(("dtype", "levels"), DEPTHS)
def test_a_constant_result_for_a_picture_with_contrast_is_rejected(dtype: Any, levels: int) -> None:
    image = pattern(levels, dtype)
    grey = np.full((80, 120, 3), int(image.mean()), dtype)
    with pytest.raises(InferenceFailedError, match="every pixel"):
        check_result(image, grey)


@pytest.mark.parametrize(("dtype", "levels"), DEPTHS)
def test_black_for_a_bright_picture_is_rejected(dtype: Any, levels: int) -> None:
    image = pattern(levels, dtype)
    black = np.zeros((80, 120, 3), dtype)
    black[0, 0] = 1
    with pytest.raises(
        InferenceFailedError, match=r"output is 0 on average, expected about 1[23]\d"
    ):
        check_result(image, black)


@pytest.mark.parametrize(("dtype", "levels"), DEPTHS)
def test_the_same_picture_larger_passes(dtype: Any, levels: int) -> None:
    image = pattern(levels, dtype)
    check_result(image, image.repeat(4, axis=0).repeat(4, axis=1))


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_a_constant_result_for_a_constant_picture_passes(value: int) -> None:
    image = np.full((5, 7, 1), value, np.uint8)
    check_result(image, np.full((10, 14, 1), value, np.uint8))
    image[2, 2] = min(value + 8, 255)  # too little to survive the cubic
    check_result(image, np.full((10, 14, 1), value, np.uint8))


@given(
    height=st.integers(1, 64),
    width=st.integers(1, 64),
    more=st.tuples(st.integers(0, 64), st.integers(0, 64)),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_black_and_white_of_any_small_size_passes(
    height: int, width: int, more: tuple[int, int], seed: int
) -> None:
    """Without weights, the mean of a few pixels is far from that of their enlargement."""
    image = np.random.default_rng(seed).integers(0, 2, (height, width, 1), np.uint8) * 255
    size = Size(height + more[0], width + more[1])
    bundled().to_size(image[:, :, 0], size)


def test_every_strip_of_a_picture_is_checked() -> None:
    image = np.zeros((2000, 600, 1), np.uint8)
    image[-1, -1] = 255
    result = np.zeros((4000, 1200, 1), np.uint8)
    with pytest.raises(InferenceFailedError, match="every pixel"):
        check_result(image, result)
    result[-1, -1] = 1
    check_result(image, result)


def test_a_model_that_makes_black_fails_its_images(
    make_graph: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "black.onnx"
    path.write_bytes(make_graph(gain=0.01))
    with pytest.raises(srcnn.ImageError, match="on average"):
        srcnn.Upscaler.load(str(path))(data.coffee()[:80, :160])
