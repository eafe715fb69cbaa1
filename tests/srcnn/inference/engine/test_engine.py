"""The engine against the untiled graph: floats, every size, factor and tile."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from srcnn.errors import InferenceFailedError
from srcnn.geometry import Size, compute_output_size, make_resize_factor, parse_scale
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.model.model_file import load_model
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import Run
from tests.support.graphs.engines import enlarge, load, make_engine, noise, run_whole

# In grey levels of 255. The whole graph computes coordinates in float32, and sums in another order;
# differences up to 0.003 were seen. A seam, a wrong tap or a wrong border gives whole levels.
TOLERANCE = 0.02
WHOLE = ["1", "2", "3", "4", "5", "6", "8", "2x3", "4x2", "1x4", "3x1", "2x8"]
OTHER = ["1.3", "2.5", "3.3", "1.1x2.7", "2x1.5", "4x3.5", "9", "1.0625"]
TILES = [32, 48, 67, 256]


@pytest.fixture(scope="module")
def engines() -> dict[int, Engine]:
    return {tile: make_engine(load_model().content, tile) for tile in TILES}


@settings(max_examples=120, deadline=None)
@given(
    size=st.builds(Size, st.integers(1, 60), st.integers(1, 60)),
    scale=st.sampled_from(WHOLE + OTHER),
    channels=st.sampled_from([1, 3]),
    tile=st.sampled_from(TILES),
    seed=st.integers(0, 2**32 - 1),
)
@example(size=Size(1, 1), scale="3", channels=3, tile=256, seed=0)
@example(size=Size(1, 1), scale="16", channels=1, tile=32, seed=0)
@example(size=Size(60, 60), scale="4", channels=3, tile=32, seed=0)
@example(size=Size(60, 59), scale="2", channels=3, tile=67, seed=0)
def test_tiles_equal_the_untiled_graph(  # noqa: PLR0913, PLR0917 - one is a fixture
    engines: dict[int, Engine], size: Size, scale: str, channels: int, tile: int, seed: int
) -> None:
    image = noise((*size, channels), seed)
    larger = compute_output_size(size, parse_scale(scale))
    found = enlarge(engines[tile], image, larger)
    expected = run_whole(load_model().content, image, larger)
    assert np.abs(found - expected).max() <= TOLERANCE


@pytest.mark.parametrize("scale", ["2", "3", "4", "2.5", "1.3"])
def test_a_photograph_differs_in_fewer_than_one_value_in_a_thousand(
    engines: dict[int, Engine], photograph: npt.NDArray[np.uint8], scale: str
) -> None:
    size = compute_output_size(Size(*photograph.shape[:2]), parse_scale(scale))
    found = enlarge(engines[256], photograph, size).astype(int)
    expected = run_whole(load_model().content, photograph, size)
    difference = np.abs(found - np.rint(np.clip(expected, 0, 255)))
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < difference.size / 1000


def test_phases_and_upsampled_tiles_are_both_used(photograph: npt.NDArray[np.uint8]) -> None:
    """The property above would also hold if phases were never used."""
    graphs: list[bytes] = []
    network = read_network(load_model().content, "input", "factor")
    assert network is not None

    def record(content: bytes) -> Run:
        graphs.append(content)
        return load(content)

    engine = Engine(network, record, TilePool(partial(pool, 2), 2), 256)
    enlarge(engine, photograph[:120, :120], Size(480, 480))
    by_phases = [content for content in graphs if b"rows" not in content]
    assert len(by_phases) == 1
    assert len(graphs) > 1
    graphs.clear()
    enlarge(engine, photograph[:120, :120], Size(300, 300))
    assert all(b"rows" in content for content in graphs)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", ["4", "2.5"])
def test_integers_are_the_floats_rounded(
    engines: dict[int, Engine], dtype: Any, scale: str
) -> None:
    top = np.iinfo(dtype).max
    image = np.random.default_rng(3).integers(0, top, (70, 64, 3), dtype, endpoint=True)
    size = compute_output_size(Size(70, 64), parse_scale(scale))
    found = enlarge(engines[256], image, size)
    planes = enlarge(engines[256], (image / (top / 255)).astype(np.float32), size)
    expected = np.clip(planes.astype(np.float64) * (top / 255), 0, top)
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= 0.5 + TOLERANCE * top / 255
    assert found.min() == 0
    assert found.max() == top


def test_truncation() -> None:
    network = read_network(load_model().content, "input", "factor")
    assert network is not None
    image = np.random.default_rng(3).integers(0, 256, (40, 40, 3), np.uint8)

    cores = TilePool(partial(pool, 2), 2)
    truncated = enlarge(Engine(network, load, cores, 256, "truncate"), image, Size(80, 80))
    planes = enlarge(Engine(network, load, cores, 256), image.astype(np.float32), Size(80, 80))
    assert np.array_equal(truncated, np.clip(planes, 0, 255).astype(np.uint8))


def test_the_upsampling_alone_is_the_cubic_of_onnx() -> None:
    attributes = {"mode": "cubic", "coordinate_transformation_mode": "pytorch_half_pixel"}
    node = helper.make_node("Resize", ["x", "", "f"], ["y"], **attributes)
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
        for name, axes in (("x", [1, 1, None, None]), ("f", [4]), ("y", [1, 1, None, None]))
    ]
    graph = helper.make_graph([node], "cubic", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    image = noise((23, 31, 1), 5)
    size = Size(50, 101)
    engine = Engine(
        UPSAMPLING,
        load,
        TilePool(partial(pool, 2), 2),
        32,
    )
    feeds = {"x": image.transpose(2, 0, 1)[None], "f": make_resize_factor(Size(23, 31), size)}
    expected = session.run(None, feeds)[0][0, 0]
    assert np.abs(enlarge(engine, image, size)[:, :, 0] - expected).max() <= TOLERANCE


def chain(*layers: Any, seed: int = 0, cubic: dict[str, Any] | None = None) -> bytes:
    """Make a graph with other layers: (channels in, channels out, height, width) or names."""
    rng = np.random.default_rng(seed)
    given = {"mode": "cubic", "coordinate_transformation_mode": "pytorch_half_pixel"}
    nodes = [helper.make_node("Resize", ["input", "", "factor"], ["v"], **(cubic or given))]
    constants = []
    for index, layer in enumerate(layers):
        before, after = f"{'v' * (index + 1)}", f"{'v' * (index + 2)}"
        if isinstance(layer, str):
            nodes.append(helper.make_node(layer, [before], [after]))
            continue
        cin, cout, *kernel = layer
        weight = rng.normal(0, 1 / np.sqrt(cin * kernel[0] * kernel[1]), (cout, cin, *kernel))
        bias = rng.normal(0, 10, cout)
        for kind, value in (("w", weight), ("b", bias)):
            tensor = numpy_helper.from_array(value.astype(np.float32), f"{kind}{index}")
            constants.append(tensor)
        pads = [kernel[0] // 2, kernel[1] // 2] * 2
        names = [before, f"w{index}", f"b{index}"]
        nodes.append(helper.make_node("Conv", names, [after], kernel_shape=kernel, pads=pads))
    nodes[-1].output[0] = "output"
    axes = ["N", 3, "H", "W"]
    value = helper.make_tensor_value_info
    inputs = [value("input", TensorProto.FLOAT, axes), value("factor", TensorProto.FLOAT, [4])]
    outputs = [value("output", TensorProto.FLOAT, ["N", 3, "P", "Q"])]
    graph = helper.make_graph(nodes, "chain", inputs, outputs, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize(
    "layers",
    [
        [(3, 8, 5, 5), "Relu", (8, 3, 5, 5)],
        [(3, 8, 9, 9), "Relu", (8, 8, 5, 5), "Relu", (8, 3, 5, 5)],  # SRCNN 9-5-5
        [(3, 7, 3, 7), "Tanh", (7, 5, 1, 1), (5, 5, 1, 1), "Sigmoid", (5, 3, 5, 1)],
        [(3, 8, 3, 3), "Relu", (8, 8, 3, 3), "Relu", (8, 8, 3, 3), "Relu", (8, 3, 3, 3)],
        [(3, 8, 1, 1), "Relu", (8, 3, 3, 3)],
        [(3, 8, 3, 3), "LeakyRelu", (8, 3, 1, 1)],
    ],
    ids=lambda layers: "-".join(str(each[2]) for each in layers if not isinstance(each, str)),
)
@pytest.mark.parametrize("scale", ["2", "3", "4", "2.5", "3x5"])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_networks_of_this_form_are_exact_too(
    layers: list[Any], scale: str, channels: int
) -> None:
    content = chain(*layers)
    image = noise((37, 45, channels), 1)
    size = compute_output_size(Size(37, 45), parse_scale(scale))
    found = enlarge(make_engine(content, 64), image, size)
    assert np.abs(found - run_whole(content, image, size)).max() <= TOLERANCE


NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
KEYS = {
    "mode": "cubic",
    "coordinate_transformation_mode": "pytorch_half_pixel",
    "cubic_coeff_a": -0.5,
}


@pytest.mark.parametrize(
    ("layers", "cubic"),
    [
        ([(3, 3, 3, 3)], None),  # one convolution: nothing to gain
        ([(3, 8, 3, 3), (8, 3, 3, 3)], NEAREST),
        ([(3, 8, 3, 3), (8, 3, 3, 3)], KEYS),
        ([(3, 8, 3, 3), (8, 3, 3, 3), "Relu"], None),
        (["Relu", (3, 8, 3, 3), (8, 3, 3, 3)], None),
        ([(3, 8, 3, 3), "Softmax", (8, 3, 3, 3)], None),
        ([(3, 8, 4, 4), (8, 3, 3, 3)], None),
    ],
    ids=["one", "nearest", "a", "tail", "head", "softmax", "even"],
)
def test_graphs_of_another_form_are_not_read(
    layers: list[Any], cubic: dict[str, Any] | None
) -> None:
    assert read_network(chain(*layers, cubic=cubic), "input", "factor") is None


def test_values_that_are_not_finite_fail_the_picture() -> None:
    content = chain((3, 8, 3, 3), "Relu", (8, 3, 3, 3))
    engine = make_engine(content, 64)
    image = noise((90, 90, 3), 1)
    image[70, 20, 1] = np.nan
    with pytest.raises(InferenceFailedError, match="not finite"):
        enlarge(engine, image, Size(180, 180))
    with pytest.raises(InferenceFailedError, match="not finite"):
        enlarge(engine, image, Size(200, 200))


@pytest.mark.parametrize("scale", ["4", "3.5"])
def test_a_picture_can_be_cancelled_between_tiles(
    engines: dict[int, Engine], photograph: npt.NDArray[np.uint8], scale: str
) -> None:
    size = compute_output_size(Size(*photograph.shape[:2]), parse_scale(scale))
    result = np.zeros((*size, 3), np.uint8)
    turns = iter(range(1000))

    def raise_if_cancelled() -> None:
        if next(turns) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engines[32].enlarge(photograph, result, raise_if_cancelled)
    assert next(turns) == 6
    done = result.copy()
    enlarge(engines[32], photograph[:8, :8], Size(16, 16))
    assert np.array_equal(result, done), "a tile was still being computed"


def test_views_are_read_and_filled_in_place(engines: dict[int, Engine]) -> None:
    """The colours of a picture with alpha are not copied."""
    image = np.random.default_rng(3).integers(0, 256, (64, 70, 4), np.uint8)
    result = np.full((256, 280, 4), 9, np.uint8)
    engines[67].enlarge(image[:, :, :3], result[:, :, :3])
    assert (result[:, :, 3] == 9).all()
    expected = enlarge(engines[256], np.ascontiguousarray(image[:, :, :3]), Size(256, 280))
    assert np.abs(result[:, :, :3].astype(int) - expected).max() <= 1
