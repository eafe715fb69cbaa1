"""Networks with a fixed factor: by the engine, equal to the graph run whole."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from srcnn import Upscaler
from srcnn.geometry import Size, compute_output_size
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.config import InferenceConfig
from srcnn.inference.enlargers import Enlargers, build_enlargers
from srcnn.inference.fixed_factor import FixedFactor
from srcnn.model.model_file import Model
from srcnn.model.pixel_format import StatedPixels
from tests.support.graphs.chains import LUMA_SRCNN, SRCNN, chain, luma_chain

CONFIG = InferenceConfig(threads=2, tile_px=64)
BGR = StatedPixels("bgr-byte")


def fix(content: bytes, factor: tuple[float, float], mode: str = "pytorch_half_pixel") -> Model:
    """Make the factor of a graph a constant."""
    model = onnx.load_from_string(content)
    (live,) = [value for value in model.graph.input if value.name == "factor"]
    model.graph.input.remove(live)
    scales = np.array([1, 1, *factor], np.float32)
    model.graph.initializer.append(numpy_helper.from_array(scales, "factor"))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "coordinate_transformation_mode":
                attribute.s = mode.encode()
    return Model("fixed.onnx", model.SerializeToString(), "")


GRAPHS = {
    "colours": chain(*SRCNN, seed=3),
    "luma": luma_chain(*LUMA_SRCNN, border=(6, 6), seed=3),
}


class Case(NamedTuple):
    """A graph with its factor, and a picture."""

    name: str
    factor: tuple[float, float]
    mode: str
    size: Size
    seed: int


CASES = st.builds(
    Case,
    st.sampled_from([*GRAPHS]),
    st.sampled_from([(2, 2), (3, 3), (2, 3), (4, 2)]),
    st.sampled_from(["pytorch_half_pixel", "half_pixel"]),
    st.builds(Size, st.integers(2, 60), st.integers(2, 60)),
    st.integers(0, 99),
)


@settings(max_examples=20, deadline=None)
@given(CASES)
def test_results_equal_the_whole_graph(case: Case) -> None:
    model = fix(GRAPHS[case.name], case.factor, case.mode)
    image = np.random.default_rng(case.seed).uniform(0, 255, (*case.size, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.content)
    (whole,) = session.run(None, {"input": image.transpose(2, 0, 1)[None]})
    expected = whole[0].transpose(1, 2, 0)
    enlargers, info = load(model)
    assert info.fixed
    found = np.empty((*compute_output_size(case.size, info.fixed), 3), np.float32)
    enlargers.colours.enlarge(image, found, 100, lambda: None)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_fractional_factor_at_odd_sizes_equals_the_whole_graph() -> None:
    """There the graph's positions are not those of the engine."""
    model = fix(chain((3, 8, 3, 3), "Relu", (8, 3, 3, 3), seed=1), (2.5, 2.5))
    session = onnxruntime.InferenceSession(model.content)
    for size in (Size(33, 41), Size(34, 42)):
        image = np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)
        planes = image.transpose(2, 0, 1)[None].astype(np.float32)
        (whole,) = session.run(None, {"input": planes})
        expected = np.rint(whole[0].transpose(1, 2, 0)).clip(0, 255)
        enlargers, info = load(model)
        assert info.fixed
        found = np.empty((*compute_output_size(size, info.fixed), 3), np.uint8)
        enlargers.colours.enlarge(image, found, 100, lambda: None)
        assert np.abs(found.astype(int) - expected).max() <= 1


def load(model: Model) -> tuple[Enlargers, GraphInterface]:
    info = Upscaler.from_model(model, CONFIG, BGR).info
    return build_enlargers(model, info, CONFIG), info


def is_engine(model: Model) -> bool:
    return isinstance(load(model)[0].colours, FixedFactor)


@pytest.mark.parametrize("name", [*GRAPHS])
@pytest.mark.parametrize("mode", ["pytorch_half_pixel", "half_pixel"])
def test_the_engine_runs_it(name: str, mode: str) -> None:
    assert is_engine(fix(GRAPHS[name], (3, 3), mode))


@pytest.mark.parametrize("mode", ["asymmetric", "align_corners"])
def test_another_upsampling_is_left_to_the_graph(mode: str) -> None:
    assert not is_engine(fix(GRAPHS["colours"], (3, 3), mode))


def test_at_factor_one_half_pixel_is_left_to_the_graph() -> None:
    """It differs from ours where the result has one pixel."""
    assert not is_engine(fix(GRAPHS["colours"], (1, 2), "half_pixel"))


def test_other_sizes_are_resized_with_a_note() -> None:
    enlargers, _ = load(fix(GRAPHS["luma"], (3, 3)))
    image = np.random.default_rng(1).integers(0, 256, (30, 40, 3), np.uint8)
    for size, expected in (((60, 80, 3), 1), ((90, 120, 3), 0)):
        notes = enlargers.colours.enlarge(image, np.empty(size, np.uint8), 100, lambda: None)
        assert sum("the model's factor 3" in note for note in notes) == expected


def test_our_own_export_of_a_fixed_factor_is_run_by_the_engine() -> None:
    pytest.importorskip("torch", reason="an export needs torch")
    from srcnn.export.export_graph import make_graph  # noqa: PLC0415
    from srcnn.export.export_spec import ExportSpec  # noqa: PLC0415 - as above
    from srcnn.export.find_checkpoint import find_checkpoint  # noqa: PLC0415

    source = find_checkpoint("bundled")
    graph = make_graph(
        Path(source.urls[0]).read_bytes(), source, ExportSpec.of("torchscript", None, "3")
    )
    model = Model("x3.onnx", graph, "")
    upscaler = Upscaler.from_model(model, CONFIG)
    assert isinstance(build_enlargers(model, upscaler.info, CONFIG).colours, FixedFactor)
    image = np.random.default_rng(1).integers(0, 256, (33, 41, 3), np.uint8)
    assert np.array_equal(upscaler(image), Upscaler.load()(image, 3))
