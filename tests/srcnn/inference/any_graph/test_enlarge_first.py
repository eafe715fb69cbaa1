"""Graphs that take enlarged pictures, as published: Pillow's bicubic, then the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from PIL import Image
from skimage import data

from srcnn.errors import ModelError
from srcnn.geometry import Size
from srcnn.inference.config import InferenceConfig
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model
from srcnn.model.pixel_format import StatedPixels
from tests.support.graphs import upscalers

Array = npt.NDArray[Any]
FIRST = StatedPixels(enlarge_first=True)
COLOURS = upscalers.export(upscalers.Plain(1))
LUMA = upscalers.export(upscalers.Luma(1), shape=(1, 1, 64, 64))


def load(content: bytes, stated: StatedPixels = FIRST, tile_px: int = 32) -> Upscaler:
    config = InferenceConfig("cpu", threads=2, tile_px=tile_px)
    return Upscaler.from_model(Model("filter.onnx", content, ""), config, stated)


@pytest.fixture(scope="module")
def picture() -> Array:
    return np.ascontiguousarray(data.coffee()[60:130, 100:191, ::-1] // 2 + 60)  # not clipped


def enlarge(planes: Array, size: tuple[int, int]) -> Array:
    """Enlarge float planes (H, W, C) with Pillow."""
    channels = [
        Image.fromarray(planes[:, :, each].astype(np.float32)).resize(
            size[::-1], Image.Resampling.BICUBIC
        )
        for each in range(planes.shape[2])
    ]
    return np.dstack([np.asarray(channel) for channel in channels])


@pytest.mark.parametrize(
    ("scale", "size"),
    [(None, (140, 182)), (3, (210, 273)), (2.5, (175, 227)), ((1.3, 2), (91, 182)), (1, (70, 91))],
)
def test_the_network_sees_the_picture_that_pillow_enlarges(
    picture: Array, scale: Any, size: tuple[int, int]
) -> None:
    upscaler = load(COLOURS)
    expected = upscalers.run_whole(COLOURS, enlarge(picture, size))
    found = upscaler.upscale(picture, Size(*size))
    assert np.array_equal(found.pixels, upscaler(picture, scale))
    assert found.notes == ()
    # Pillow leaves out what lies outside the picture; we repeat the border. So two pixels of the
    # source, and three of the network, differ.
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(found.pixels - np.clip(expected, 0, 255))[inner].max() <= 0.55


def test_luma_goes_through_the_network_and_colours_are_enlarged(picture: Array) -> None:
    larger = enlarge(picture, (210, 273))
    weights = np.array([0.114, 0.587, 0.299], np.float32)
    luma = (larger * weights).sum(axis=2)
    (made,) = onnxruntime.InferenceSession(LUMA).run(None, {"image": luma[None, None] / 255})
    expected = larger + (made[0, 0] * 255 - luma)[:, :, None]
    found = load(LUMA)(picture, 3)
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(found - np.clip(expected, 0, 255))[inner].max() <= 0.55


@pytest.mark.parametrize("content", [COLOURS, LUMA], ids=["colours", "luma"])
def test_tiles_have_no_seams_in_any_kind_of_picture(picture: Array, content: bytes) -> None:
    tiles, whole = load(content), load(content, tile_px=4096)
    grey = picture[:, :, 1]
    with_alpha = np.dstack([picture, grey])
    for image in (grey, with_alpha, picture.astype(np.uint16) * 257):
        levels = 257 if image.dtype == np.uint16 else 1
        found, expected = tiles(image, 2.5), whole(image, 2.5)
        assert found.shape == (175, 227, *image.shape[2:])
        assert np.abs(found.astype(int) - expected).max() <= levels


def test_without_the_statement_the_result_is_enlarged(picture: Array) -> None:
    after = load(COLOURS, StatedPixels())
    upscaled = after.upscale(picture, Size(140, 182))
    assert upscaled.notes == (
        "enlarged by the model's factor 1, then enlarged by the cubic to the size asked for",
    )
    assert not np.array_equal(upscaled.pixels, load(COLOURS)(picture, 2))


def test_a_model_that_enlarges_by_itself_is_refused() -> None:
    content = upscalers.export(upscalers.Plain(2))
    with pytest.raises(ModelError, match=r"has the factor 2, .*: leave --enlarge-first out"):
        load(content)
    with pytest.raises(
        ModelError, match=r"takes the factor as an input, .*: leave --enlarge-first"
    ):
        Upscaler.load(enlarge_first=True)
