"""Factors other than the model's: its own factor first, then resized exactly."""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from srcnn.geometry import Size
from srcnn.inference.any_graph.resize_result import Axis, resample
from srcnn.inference.config import InferenceConfig
from srcnn.inference.engine.bicubic import interpolation
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model
from tests.support.graphs import upscalers

Array = npt.NDArray[Any]
LENGTHS = st.integers(1, 300)


def load(content: bytes, tiles_bytes: int = 0) -> Upscaler:
    config = InferenceConfig("cpu", threads=2, tile_px=32, tiles_bytes=tiles_bytes)
    return Upscaler.from_model(Model("other.onnx", content, ""), config)


def resize(planes: Array, size: Size) -> Array:
    """Resize a whole picture at once."""
    axes = Axis(planes.shape[0], size.height), Axis(planes.shape[1], size.width)
    parts = resample(planes, (0, 0), axes, (slice(0, size.height), slice(0, size.width)))
    return np.concatenate([rows for _, rows in parts])


def resize_with_pillow(planes: Array, size: Size) -> Array:
    resized = [
        Image.fromarray(plane).resize((size.width, size.height), Image.Resampling.BICUBIC)
        for plane in np.ascontiguousarray(planes.transpose(2, 0, 1))
    ]
    return np.dstack(resized)


@pytest.fixture(scope="module")
def picture() -> Array:
    return np.ascontiguousarray(data.coffee()[60:231, 100:303, ::-1])  # 171 x 203


@pytest.mark.parametrize("size", [Size(170, 202), Size(114, 81), Size(43, 203), Size(1, 1)])
def test_smaller_is_what_pillow_makes(picture: Array, size: Size) -> None:
    planes = picture.astype(np.float32)
    expected = resize_with_pillow(planes, size)
    assert np.abs(resize(planes, size) - expected).max() < 0.01


def test_larger_is_the_cubic_of_the_engine(picture: Array) -> None:
    planes = picture.astype(np.float32)
    rows, columns = (
        interpolation(before, after, 0, after)[1] for before, after in [(171, 401), (203, 250)]
    )
    expected = np.einsum("ab,bcd,ec->aed", rows, planes, columns, optimize=True)
    assert np.abs(resize(planes, Size(401, 250)) - expected).max() < 0.01


def test_values_beyond_white_are_clipped_before() -> None:
    planes = np.full((20, 20, 1), 100, np.float32)
    planes[9:11] = 900
    clipped = np.minimum(planes, 255)
    assert np.array_equal(resize(planes, Size(10, 10)), resize(clipped, Size(10, 10)))


@given(before=LENGTHS, after=LENGTHS, borders=st.sets(st.integers(1, 299), max_size=5))
def test_parts_of_an_axis_are_the_axis_and_reach_no_further(
    before: int, after: int, borders: set[int]
) -> None:
    axis = Axis(before, after)
    cuts = [0, *sorted(border for border in borders if border < before), before]
    places = []
    for start, stop in pairwise(cuts):
        place = axis.place(slice(start, stop))
        places += range(place.start, place.stop)
        if place.start == place.stop:
            continue
        sources, weights = axis.weigh(place)
        assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
        used = sources[weights != 0]
        assert used.min() >= max(start - axis.reach, 0)
        assert used.max() < min(stop + axis.reach, before)
    assert places == list(range(after))


NETWORKS = {
    "x2": upscalers.Plain,
    "x4": partial(upscalers.Plain, 4),
    "x1 of multiples of 8": partial(upscalers.UNet, 3),
    "one size": lambda: upscalers.OneSize(upscalers.Plain(), (64, 64)),
}


@cache
def make_upscaler(name: str) -> tuple[Upscaler, bytes]:
    """Return the upscaler of a network, and a graph that computes whole pictures."""
    network = NETWORKS[name]()
    if not isinstance(network, upscalers.OneSize):
        content = upscalers.export(network)
        return load(content), content
    content = upscalers.export(network, free=())
    return load(content), upscalers.export(network.inner)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scale", ["1", "1.3", "1.5x2.5", "width=777", "7"])
def test_tiles_of_any_factor_equal_the_whole(picture: Array, name: str, scale: str) -> None:
    upscaler, content = make_upscaler(name)
    multiple, own = upscaler.info.sizes.multiple, upscaler.info.default_scale
    padded = np.pad(picture, [(0, -171 % multiple), (0, -203 % multiple), (0, 0)], "symmetric")
    whole = upscalers.run_whole(content, padded)[: int(171 * own.height), : int(203 * own.width)]
    found = upscaler(picture, scale)
    expected = whole if scale == str(own) else resize(whole, Size(*found.shape[:2]))
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 0.55


def test_sixteen_bits_are_resized_in_sixteen_bits(picture: Array) -> None:
    upscaler, _ = make_upscaler("x2")
    deep = picture.astype(np.uint16) * 257
    found, shallow = (upscaler(each, 1.5).astype(np.float32) for each in (deep, picture))
    assert len(np.unique(found)) > 10_000
    assert np.abs(found / 257 - shallow).max() < 0.51


def test_grey_and_alpha_have_the_size_asked_for(picture: Array) -> None:
    upscaler, _ = make_upscaler("x4")
    grey = picture[:, :, 0] // 2 + 64
    found = upscaler(grey, 1.5)
    assert found.shape == (256, 304)
    plain = upscaler(np.dstack([grey] * 3), 1.5).astype(np.float32)
    assert np.abs(found - plain.mean(axis=2)).max() <= 1
    alpha = np.maximum(picture[:, :, 1], 1)
    both = upscaler(np.dstack([picture, alpha]), 1.5)
    assert np.array_equal(both[:, :, :3], upscaler(picture, 1.5))
    expected = np.clip(resize(alpha[:, :, None].astype(np.float32), Size(256, 304)), 0, 255)
    assert np.abs(both[:, :, 3:] - expected).max() <= 0.51


def test_blended_tiles_are_resized_as_their_sum_is(picture: Array) -> None:
    upscaler = load(upscalers.export(upscalers.SqueezeExcite()), tiles_bytes=40_000_000)
    large = picture.repeat(4, axis=0).repeat(4, axis=1)
    own = upscaler(large).astype(np.float32)
    size = Size(857, 1020)
    found = upscaler.upscale(large, size)
    assert len(found.notes) == 2
    # The model's own result was rounded here.
    assert np.abs(found.pixels - np.clip(resize(own, size), 0, 255)).max() < 1.2
