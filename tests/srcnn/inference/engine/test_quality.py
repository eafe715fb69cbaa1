"""Weights that follow the quality: the engine against the whole graph, and its cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from srcnn.geometry import Size, compute_output_size, make_resize_factor
from srcnn.graphs.check import check_graph
from srcnn.graphs.graph_format import QUALITY
from srcnn.inference.config import InferenceConfig
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.weight_bank import WeightBank
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model
from srcnn.model.pixel_format import StatedPixels
from srcnn.parse_scale import parse_scale
from tests.support.graphs import quality_banks
from tests.support.graphs.engines import make_engine, noise

Array = npt.NDArray[Any]
TOLERANCE = 0.02  # grey levels, as in test_engine
GRAPHS = {
    "luma": quality_banks.export(quality_banks.make_bank()),
    "luma, by dynamo": quality_banks.export(quality_banks.make_bank(), "dynamo"),
    "colours": quality_banks.export(
        quality_banks.make_bank(factors=(1, 2, 3), levels=(40, 80, 95, 100), channels=3)
    ),
}
SCALES = ["1", "2", "3", "4", "2x3", "1x2", "1.3", "2.5", "1.1x2.7", "longest=97"]


@pytest.fixture(scope="module")
def engines() -> dict[tuple[str, int], Engine]:
    return {
        (name, tile): make_engine(content, tile)
        for name, content in GRAPHS.items()
        for tile in (32, 67, 256)
    }


@pytest.fixture(scope="module")
def sessions() -> dict[str, onnxruntime.InferenceSession]:
    return {name: onnxruntime.InferenceSession(content) for name, content in GRAPHS.items()}


def run_whole(
    session: onnxruntime.InferenceSession, image: Array, size: Size, quality: float | None
) -> Array:
    """Run a graph untiled on (H, W, C) 0..255."""
    colours = np.broadcast_to(image, (*image.shape[:2], 3)).astype(np.float32)
    feeds = {
        "input": np.ascontiguousarray(colours.transpose(2, 0, 1)[None]),
        "factor": make_resize_factor(Size(*image.shape[:2]), size),
    }
    if quality is not None:
        feeds["quality"] = np.array([quality], np.float32)
    planes = session.run(None, feeds)[0][0].transpose(1, 2, 0)
    result: Array = planes if image.shape[2] == 3 else planes.mean(axis=2, keepdims=True)
    return result


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(GRAPHS)),
    size=st.builds(Size, st.integers(7, 60), st.integers(7, 60)),
    scale=st.sampled_from(SCALES) | st.floats(1, 8, width=16).map(str),
    quality=st.sampled_from([1.0, 30.0, 33.0, 75.0, 76.25, 97.0, 100.0]) | st.floats(1, 100),
    channels=st.sampled_from([1, 3]),
    tile=st.sampled_from([32, 67, 256]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
)
@example("luma", Size(60, 60), "1", 75, 3, 32, np.uint8)
@example("luma", Size(60, 41), "1", 30, 1, 67, np.uint16)
@example("colours", Size(60, 41), "1", 60, 3, 67, np.float32)
@example("luma", Size(60, 60), "4", 90, 3, 67, np.float32)
def test_tiles_equal_the_whole_graph_at_every_quality(  # noqa: PLR0913, PLR0917 - two are fixtures
    engines: dict[tuple[str, int], Engine],
    sessions: dict[str, onnxruntime.InferenceSession],
    name: str,
    size: Size,
    scale: str,
    quality: float,
    channels: int,
    tile: int,
    dtype: Any,
) -> None:
    levels = {np.uint8: 1, np.uint16: 257, np.float32: 1}[dtype]
    image = (noise((*size, channels), size.pixels) * levels).astype(dtype)
    larger = compute_output_size(size, parse_scale(scale))
    result = np.zeros((*larger, channels), dtype)
    engines[name, tile].enlarge(image, result, quality)
    expected = run_whole(sessions[name], image / levels, larger, quality)
    if dtype != np.float32:
        expected = np.clip(expected, 0, 255)
    rounding = 0 if dtype == np.float32 else 0.5 / levels
    assert np.abs(result / levels - expected).max() <= rounding + TOLERANCE


@pytest.mark.parametrize("name", GRAPHS)
def test_left_out_it_is_a_source_without_loss(
    name: str,
    engines: dict[tuple[str, int], Engine],
    sessions: dict[str, onnxruntime.InferenceSession],
) -> None:
    image, size = noise((30, 31, 3), 0), Size(60, 62)
    result = np.zeros((*size, 3), np.float32)
    engines[name, 67].enlarge(image, result)
    assert np.abs(result - run_whole(sessions[name], image, size, None)).max() <= TOLERANCE


@pytest.mark.parametrize("name", GRAPHS)
def test_the_quality_changes_the_result(name: str, engines: dict[tuple[str, int], Engine]) -> None:
    """Otherwise the tests above would also pass with weights of the factor alone."""
    image = noise((30, 31, 3), 0)
    results = []
    for quality in (30, 75, 100):
        results.append(np.zeros((30, 31, 3), np.float32))
        engines[name, 67].enlarge(image, results[-1], quality)
    assert min(np.abs(results[0] - each).max() for each in results[1:]) > 0.1


def test_qualities_of_one_step_share_a_network() -> None:
    networks = read_network(GRAPHS["luma"], "input", "factor")
    assert isinstance(networks, WeightBank)
    factor = np.array([1, 1, 2, 2], np.float32)
    assert len({id(networks.at(factor, 74 + step / 50)) for step in range(101)}) == 1
    assert networks.at(factor, 75) is not networks.at(factor, 80)
    assert networks.at(factor) is networks.at(factor, 100)
    # At most one for each step, of which those below the lowest anchor are equal.
    found = {
        networks.at(factor, quality) for quality in np.random.default_rng(0).uniform(1, 100, 2000)
    }
    assert len(found) == 1 + (100 - 30) / 2.5


def test_a_graph_whose_quality_has_no_default_is_read_too() -> None:
    model = onnx.load_from_string(GRAPHS["luma"])
    (default,) = [each for each in model.graph.initializer if each.name == "quality"]
    model.graph.initializer.remove(default)
    networks = read_network(model.SerializeToString(), "input", "factor")
    assert isinstance(networks, WeightBank)
    usual = read_network(GRAPHS["luma"], "input", "factor")
    assert usual is not None
    factor = np.array([1, 1, 2, 2], np.float32)
    assert networks.at(factor, 60) == usual.at(factor, 60)


@pytest.mark.parametrize("axis", ["Q", ""], ids=["a name", "unknown"])
def test_an_input_whose_length_is_not_declared_is_followed(axis: str) -> None:
    """The check accepts such a graph."""
    model = onnx.load_from_string(GRAPHS["luma"])
    (value,) = (each for each in model.graph.input if each.name == QUALITY)
    value.type.tensor_type.shape.dim[0].dim_param = axis
    content = model.SerializeToString()
    assert check_graph(content) == []
    upscaler, usual = (
        Upscaler.from_model(
            Model("bank", each, ""), InferenceConfig(threads=2), StatedPixels("bgr-byte")
        )
        for each in (content, GRAPHS["luma"])
    )
    assert upscaler.follows_quality
    picture = np.random.default_rng(0).integers(100, 156, (37, 41, 3), np.uint8)
    assert np.array_equal(upscaler(picture, 2, 60), usual(picture, 2, 60))


def test_a_quality_that_is_not_followed_keeps_its_default() -> None:
    model = onnx.load_from_string(GRAPHS["luma"])
    (value,) = (each for each in model.graph.input if each.name == QUALITY)
    value.type.tensor_type.ClearField("shape")
    (default,) = (each for each in model.graph.initializer if each.name == QUALITY)
    default.CopyFrom(numpy_helper.from_array(np.array([60], np.float32), QUALITY))
    config = InferenceConfig(threads=2)
    content = model.SerializeToString()
    upscaler = Upscaler.from_model(Model("bank", content, ""), config, StatedPixels("bgr-byte"))
    usual = Upscaler.from_model(Model("bank", GRAPHS["luma"], ""), config, StatedPixels("bgr-byte"))
    assert not upscaler.follows_quality
    picture = np.random.default_rng(0).integers(100, 156, (37, 41, 3), np.uint8)
    found = upscaler(picture, 2, 30).astype(int)
    assert np.abs(found - usual(picture, 2, 60)).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", ["1", "3"])
def test_every_kind_of_picture_takes_a_quality(
    dtype: Any, channels: int, scale: str, sessions: dict[str, onnxruntime.InferenceSession]
) -> None:
    upscaler = Upscaler.from_model(
        Model("bank", GRAPHS["luma"], "0" * 64),
        InferenceConfig(threads=2),
        StatedPixels("bgr-byte"),
    )
    assert upscaler.follows_quality
    levels = np.iinfo(dtype).max // 255
    image = (np.random.default_rng(0).integers(100, 156, (37, 41, channels)) * levels).astype(dtype)
    if channels in (2, 4):
        image[:, :, -1] = 255 * levels
    picture = image[:, :, 0] if channels == 1 else image
    colours = image[:, :, : 1 if channels < 3 else 3]
    found = upscaler(picture, scale, quality=60)
    size = Size(*found.shape[:2])
    expected = np.clip(run_whole(sessions["luma"], colours / levels, size, 60), 0, 255)
    found_colours = found.reshape(*size, channels)[:, :, : colours.shape[2]]
    assert np.abs(found_colours / levels - expected).max() <= 0.5 / levels + TOLERANCE
    assert np.array_equal(upscaler.to_size(picture, size, 60), found)
    if channels in (2, 4):
        assert (found[:, :, -1] == 255 * levels).all()
