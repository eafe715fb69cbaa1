"""Graphs of any form that take the quality of the source, with or without a default."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper, parser

import srcnn
from srcnn.graphs.graph_format import round_quality
from srcnn.inference.any_graph.any_graph import AnyGraph
from srcnn.inference.config import InferenceConfig
from srcnn.model.model_file import Model
from srcnn.model.pixel_format import StatedPixels

Array = npt.NDArray[Any]
_HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
_DARKEN = """
    larger = Resize <mode = "nearest", coordinate_transformation_mode = "asymmetric",
                     nearest_mode = "floor"> (image, , twice)
    level = ReduceMean <keepdims = 0> (quality)
    part = Div (level, thousand)
    share = Add (part, most)
    result = Mul (larger, share)
"""


def make_model(*, default: float | None, shape: str = "1", ir_version: int = 8) -> bytes:
    """Darken a picture by its quality, and make it twice as large."""
    model = parser.parse_model(
        f"{_HEAD} g (float[N, 3, H, W] image, float[{shape}] quality) => "
        f"(float[N, 3, P, Q] result) {{ {_DARKEN} }}"
    )
    constants: dict[str, Any] = {"twice": [1, 1, 2, 2], "thousand": 1000, "most": 0.9}
    if default is not None:
        constants["quality"] = [default] * int(shape)
    for name, value in constants.items():
        tensor = numpy_helper.from_array(np.array(value, np.float32), name)
        model.graph.initializer.append(tensor)
    model.ir_version = ir_version
    content: bytes = model.SerializeToString()
    return content


def load(content: bytes) -> srcnn.Upscaler:
    config = InferenceConfig("cpu", threads=2, tile_px=32)
    return srcnn.Upscaler.from_model(
        Model("dark.onnx", content, ""), config, StatedPixels("bgr-byte")
    )


def darken(image: Array, share: float) -> Array:
    return np.rint(image.repeat(2, 0).repeat(2, 1) * share)


@pytest.fixture(scope="module")
def picture() -> Array:
    return np.random.default_rng(0).integers(0, 256, (90, 110, 3), np.uint8)


@pytest.mark.parametrize("default", [None, 100, 40])
@pytest.mark.parametrize("cut", [slice(20), slice(None)], ids=["whole", "tiles"])
def test_the_quality_is_fed(default: float | None, cut: slice, picture: Array) -> None:
    upscaler = load(make_model(default=default))
    assert isinstance(upscaler._enlargers.colours, AnyGraph)
    assert upscaler.follows_quality
    image = picture[cut, cut]
    for quality, share in ((100, 1), (50, 0.95), (51, 0.95), (97.5, 0.9975), (1, 0.901)):
        found = upscaler(image, quality=quality)
        assert np.abs(found - darken(image, share)).max() <= 1
    assert np.array_equal(upscaler(image), darken(image, 1)), "without loss, whatever its default"


def test_no_quality_is_studied_twice_in_a_job_of_many_factors() -> None:
    """Each study keeps all threads waiting for a second."""
    enlarger = load(make_model(default=100))._enlargers.colours
    assert isinstance(enlarger, AnyGraph)
    qualities = {round_quality(quality) for quality in range(1, 101)}
    assert enlarger._studies.maxsize >= 8 * len(qualities)


def test_a_graph_without_one_ignores_it(make_graph: Any, picture: Array) -> None:
    upscaler = load(make_graph())
    assert not upscaler.follows_quality
    assert np.array_equal(upscaler(picture, quality=30), darken(picture, 1))


def test_a_constant_of_this_name_is_none(picture: Array) -> None:
    """Its shape is another, so it is left at its own values."""
    upscaler = load(make_model(default=50, shape="3"))
    assert not upscaler.follows_quality
    model = onnx.load_from_string(make_model(default=50))
    del model.graph.input[1:]
    constant = load(model.SerializeToString())
    assert not constant.follows_quality
    assert np.abs(constant(picture, quality=30) - darken(picture, 0.95)).max() <= 1


def test_an_input_of_another_shape_is_refused() -> None:
    with pytest.raises(srcnn.ModelError, match=r"a factor, or a quality .1,.; got .*\[3\]"):
        load(make_model(default=None, shape="3"))
