"""Graphs of luma alone: Y through the network, colours through the cubic."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from skimage import data

from srcnn.errors import ModelError
from srcnn.inference.config import InferenceConfig
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model
from srcnn.model.pixel_format import Convention, StatedPixels
from tests.support.graphs import upscalers

Array = npt.NDArray[Any]


def load(content: bytes, convention: Convention | None = None) -> Upscaler:
    config = InferenceConfig("cpu", threads=2, tile_px=32)
    return Upscaler.from_model(Model("luma.onnx", content, ""), config, StatedPixels(convention))


@pytest.fixture(scope="module")
def picture() -> Array:
    # Neither black nor white, where the colours would be clipped.
    coffee = data.coffee()[60:231, 100:303, ::-1] // 2 + 60
    return np.ascontiguousarray(coffee)


def enlarge(content: bytes, planes: Array, white: float, factor: int) -> Array:
    """Convert a whole picture to Y, Cr and Cb with OpenCV, and back."""
    luma, red, blue = cv2.split(cv2.cvtColor(planes.astype(np.float32) / 255, cv2.COLOR_BGR2YCrCb))
    session = onnxruntime.InferenceSession(content)
    axes = (None, ..., None) if session.get_inputs()[0].shape[3] == 1 else (None, None)
    (found,) = session.run(None, {"image": luma[axes] * np.float32(white)})
    size = planes.shape[1] * factor, planes.shape[0] * factor
    larger = [cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC) for plane in (red, blue)]
    merged = cv2.merge([found.reshape(size[::-1]) / np.float32(white), *larger])
    return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR)) * 255


@pytest.mark.parametrize(
    ("factor", "convention", "white"),
    [(2, None, 1), (3, "rgb-unit", 1), (2, "bgr-byte", 255), (1, None, 1)],
)
def test_tiles_equal_the_whole_of_another_conversion(
    picture: Array, factor: int, convention: Any, white: int
) -> None:
    content = upscalers.export(upscalers.Luma(factor, white), shape=(1, 1, 64, 64))
    upscaler = load(content, convention)
    assert (upscaler.info.channels, str(upscaler.info.fixed)) == (1, str(factor))
    expected = enlarge(content, picture, white, factor)
    found = upscaler(picture)
    assert found.std() > 5
    # OpenCV's coefficients of Cr and Cb have three digits.
    assert np.abs(found - np.clip(expected, 0, 255)).max() < 1.1


def test_the_channel_may_be_last(picture: Array) -> None:
    network = upscalers.Channelled(upscalers.Luma())
    content = upscalers.export(network, shape=(1, 64, 64, 1), free=(1, 2))
    upscaler = load(content)
    assert (upscaler.info.layout, upscaler.info.channels) == ("nhwc", 1)
    assert np.abs(upscaler(picture) - enlarge(content, picture, 1, 2)).max() < 1.1


def test_grey_is_its_own_luma(picture: Array) -> None:
    content = upscalers.export(upscalers.Luma(), shape=(1, 1, 64, 64))
    grey = np.ascontiguousarray(picture[:, :, 1])
    expected = enlarge(content, np.dstack([grey] * 3), 1, 2)[:, :, 1]
    assert np.abs(load(content)(grey) - expected).max() < 0.6


def test_other_factors_are_resized(picture: Array) -> None:
    content = upscalers.export(upscalers.Luma(), shape=(1, 1, 64, 64))
    own = enlarge(content, picture, 1, 2)
    expected = cv2.resize(own, (203, 171), interpolation=cv2.INTER_AREA)
    found = load(content)(picture, 1)
    assert np.abs(found - expected).mean() < 1
    assert load(content)(picture, "width=1000").shape == (842, 1000, 3)


def test_a_factor_as_input_is_followed(picture: Array, make_graph: Any) -> None:
    upscaler = load(make_graph(factor=None, channels=1))
    before, after = (
        cv2.cvtColor(each.astype(np.float32), cv2.COLOR_BGR2YCrCb)[:, :, 0]
        for each in (picture, upscaler(picture, 2))
    )
    assert np.abs(after - before.repeat(2, axis=0).repeat(2, axis=1)).max() < 1
    assert upscaler(picture, "width=437").shape == (368, 437, 3)


def test_luma_that_becomes_colours_is_refused() -> None:
    class Painted(upscalers.Luma):
        def forward(self, image: Any) -> Any:
            return super().forward(image).repeat(1, 3, 1, 1)

    content = upscalers.export(Painted(), shape=(1, 1, 64, 64))
    with pytest.raises(ModelError, match=r"expected an output \(N, 1, H, W\)"):
        load(content)
