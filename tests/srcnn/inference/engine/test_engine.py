"""The engine against the untiled graph: floats, every size, factor and tile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from srcnn.errors import InferenceFailedError
from srcnn.geometry import Size, compute_output_size, make_resize_factor
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING, Network
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.model.model_file import load_model
from srcnn.parse_scale import parse_scale
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import Run
from tests.support.graphs.chains import CUBIC, SRCNN, chain, luma_chain
from tests.support.graphs.engines import enlarge, load, make_engine, noise, run_whole

# In grey levels of 255. The whole graph computes coordinates in float32, and sums in another order;
# differences up to 0.003 were seen. A seam, a wrong tap or a wrong border gives whole levels.
TOLERANCE = 0.02
WHOLE = ["1", "2", "3", "4", "5", "6", "8", "2x3", "4x2", "1x4", "3x1", "2x8"]
OTHER = ["1.3", "2.5", "3.3", "1.1x2.7", "2x1.5", "4x3.5", "9", "1.0625"]
TILES = [32, 48, 67, 256]


GRAPHS = {"luma": load_model().content, "colours": chain(*SRCNN)}


@pytest.fixture(scope="module")
def engines() -> dict[tuple[str, int], Engine]:
    return {
        (name, tile): make_engine(content, tile)
        for name, content in GRAPHS.items()
        for tile in TILES
    }


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(sorted(GRAPHS)),
    size=st.builds(Size, st.integers(1, 60), st.integers(1, 60)),
    scale=st.sampled_from(WHOLE + OTHER),
    channels=st.sampled_from([1, 3]),
    tile=st.sampled_from(TILES),
    seed=st.integers(0, 2**32 - 1),
)
@example(name="luma", size=Size(1, 1), scale="3", channels=3, tile=256, seed=0)
@example(name="colours", size=Size(1, 1), scale="3", channels=3, tile=256, seed=0)
@example(name="luma", size=Size(1, 1), scale="16", channels=1, tile=32, seed=0)
@example(name="colours", size=Size(1, 1), scale="16", channels=1, tile=32, seed=0)
@example(name="luma", size=Size(60, 60), scale="4", channels=3, tile=32, seed=0)
@example(name="colours", size=Size(60, 60), scale="4", channels=3, tile=32, seed=0)
@example(name="luma", size=Size(60, 59), scale="2", channels=3, tile=67, seed=0)
@example(name="colours", size=Size(60, 59), scale="2", channels=3, tile=67, seed=0)
def test_tiles_equal_the_untiled_graph(  # noqa: PLR0913, PLR0917 - one is a fixture
    engines: dict[tuple[str, int], Engine],
    name: str,
    size: Size,
    scale: str,
    channels: int,
    tile: int,
    seed: int,
) -> None:
    image = noise((*size, channels), seed)
    larger = compute_output_size(size, parse_scale(scale))
    found = enlarge(engines[name, tile], image, larger)
    expected = run_whole(GRAPHS[name], image, larger)
    assert np.abs(found - expected).max() <= TOLERANCE


@pytest.mark.parametrize("scale", ["2", "3", "4", "2.5", "1.3"])
def test_a_photograph_differs_in_fewer_than_one_value_in_a_thousand(
    engines: dict[tuple[str, int], Engine], photograph: npt.NDArray[np.uint8], scale: str
) -> None:
    size = compute_output_size(Size(*photograph.shape[:2]), parse_scale(scale))
    found = enlarge(engines["luma", 256], photograph, size).astype(int)
    expected = run_whole(load_model().content, photograph, size)
    difference = np.abs(found - np.rint(np.clip(expected, 0, 255)))
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < difference.size / 1000


def test_phases_and_upsampled_tiles_are_both_used(photograph: npt.NDArray[np.uint8]) -> None:
    """The property above would also hold if phases were never used."""
    graphs: list[bytes] = []
    network = read_network(GRAPHS["luma"], "input", "factor")
    assert network is not None

    def record(content: bytes) -> Run:
        graphs.append(content)
        return load(content)

    engine = Engine(network, record, TilePool(partial(pool, 2), 2), 256)
    enlarge(engine, photograph[:120, :120], Size(480, 480))
    # By phases, each of four groups has its convolutions; the frame has those of the network.
    assert [count_convolutions(content) for content in graphs] == [4 * 3, 3]
    graphs.clear()
    enlarge(engine, photograph[:120, :120], Size(300, 300))
    assert [count_convolutions(content) for content in graphs] == [3]


def count_convolutions(content: bytes) -> int:
    return sum(node.op_type == "Conv" for node in onnx.load_from_string(content).graph.node)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", ["4", "2.5"])
def test_integers_are_the_floats_rounded(
    engines: dict[tuple[str, int], Engine], dtype: Any, scale: str
) -> None:
    top = np.iinfo(dtype).max
    image = np.random.default_rng(3).integers(0, top, (70, 64, 3), dtype, endpoint=True)
    size = compute_output_size(Size(70, 64), parse_scale(scale))
    found = enlarge(engines["luma", 256], image, size)
    planes = enlarge(engines["luma", 256], (image / (top / 255)).astype(np.float32), size)
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


LAYERS = [
    [(3, 8, 5, 5), "Relu", (8, 3, 5, 5)],
    [(3, 8, 9, 9), "Relu", (8, 8, 5, 5), "Relu", (8, 3, 5, 5)],  # SRCNN 9-5-5
    [(3, 7, 3, 7), "Tanh", (7, 5, 1, 1), (5, 5, 1, 1), "Sigmoid", (5, 3, 5, 1)],
    [(3, 8, 3, 3), "Relu", (8, 8, 3, 3), "Relu", (8, 8, 3, 3), "Relu", (8, 3, 3, 3)],
    [(3, 8, 1, 1), "Relu", (8, 3, 3, 3)],
    [(3, 8, 3, 3), "LeakyRelu", (8, 3, 1, 1)],
]


def on_luma(layers: list[Any]) -> bytes:
    """The same layers with one plane in and out, on luma."""
    shapes = [list(each) for each in layers if not isinstance(each, str)]
    shapes[0][0] = shapes[-1][1] = 1
    border = tuple(sum(shape[axis] // 2 for shape in shapes) for axis in (2, 3))
    shaped = iter(shapes)
    return luma_chain(
        *(each if isinstance(each, str) else next(shaped) for each in layers), border=border
    )


@pytest.mark.parametrize(
    "layers",
    LAYERS,
    ids=lambda layers: "-".join(str(each[2]) for each in layers if not isinstance(each, str)),
)
@pytest.mark.parametrize("make", [lambda layers: chain(*layers), on_luma], ids=["colours", "luma"])
@pytest.mark.parametrize("scale", ["2", "3", "4", "2.5", "3x5"])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_networks_of_these_forms_are_exact_too(
    make: Callable[[list[Any]], bytes], layers: list[Any], scale: str, channels: int
) -> None:
    content = make(layers)
    image = noise((37, 45, channels), 1)
    size = compute_output_size(Size(37, 45), parse_scale(scale))
    found = enlarge(make_engine(content, 64), image, size)
    assert np.abs(found - run_whole(content, image, size)).max() <= TOLERANCE


@settings(max_examples=60, deadline=None)
@given(
    level=st.integers(0, 65_535),
    size=st.builds(Size, st.integers(1, 70), st.integers(1, 70)),
    scale=st.sampled_from(WHOLE + OTHER),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
@example(level=255, size=Size(40, 40), scale="4", channels=3, dtype=np.uint8)
@example(level=255, size=Size(40, 40), scale="7.3", channels=3, dtype=np.uint8)
def test_what_is_flat_stays_flat(  # noqa: PLR0913, PLR0917 - one is a fixture
    engines: dict[tuple[str, int], Engine],
    level: int,
    size: Size,
    scale: str,
    channels: int,
    dtype: type[np.integer[Any]],
) -> None:
    """No rim: with zeros for a border, white became 253 along it, and 243 in its corners."""
    levels = np.iinfo(dtype).max // 255  # per grey level
    value = level if dtype == np.uint16 else level % 256
    image = np.full((*size, channels), value, dtype)
    found = enlarge(engines["luma", 48], image, compute_output_size(size, parse_scale(scale)))
    assert int(found.max()) - int(found.min()) <= TOLERANCE * levels
    # The weights, and not the border, may change a level as a whole.
    assert abs(int(found.max()) - value) <= 1.5 * levels


@pytest.mark.parametrize("scale", ["1.3", "2", "2.5", "3", "4", "7.3", "8", "16"])
def test_white_stays_white(engines: dict[tuple[str, int], Engine], scale: str) -> None:
    image = np.full((50, 40, 3), 255, np.uint8)
    size = compute_output_size(Size(50, 40), parse_scale(scale))
    assert enlarge(engines["luma", 256], image, size).min() == 255


NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
KEYS = {
    "mode": "cubic",
    "coordinate_transformation_mode": "pytorch_half_pixel",
    "cubic_coeff_a": -0.5,
}


@pytest.mark.parametrize(
    ("layers", "cubic"),
    [
        ([(3, 3, 3, 3)], CUBIC),  # one convolution: nothing to gain
        ([(3, 8, 3, 3), (8, 3, 3, 3)], NEAREST),
        ([(3, 8, 3, 3), (8, 3, 3, 3)], KEYS),
        ([(3, 8, 3, 3), (8, 3, 3, 3), "Relu"], CUBIC),
        (["Relu", (3, 8, 3, 3), (8, 3, 3, 3)], CUBIC),
        ([(3, 8, 3, 3), "Softmax", (8, 3, 3, 3)], CUBIC),
        ([(3, 8, 4, 4), (8, 3, 3, 3)], CUBIC),
    ],
    ids=["one", "nearest", "a", "tail", "head", "softmax", "even"],
)
def test_graphs_of_another_form_are_not_read(layers: list[Any], cubic: dict[str, Any]) -> None:
    assert read_network(chain(*layers, cubic=cubic), "input", "factor") is None


ONE, LAST = (1, 8, 3, 3), (8, 1, 3, 3)


def test_a_network_on_luma_is_read() -> None:
    network = read_network(luma_chain(ONE, "Relu", LAST, border=(2, 2)), "input", "factor")
    assert isinstance(network, Network)
    assert network.luma == pytest.approx((0.2, 0.5, 0.3))
    assert network.adapt_to_channels(1).luma == pytest.approx((1,))
    assert (network.planes, network.reach) == (1, (2, 2))


@pytest.mark.parametrize(
    "content",
    [
        luma_chain(ONE, "Relu", LAST, border=(1, 2)),
        luma_chain(ONE, "Relu", LAST, border=(2, 2), pad={"mode": "reflect"}),
        luma_chain(ONE, "Relu", LAST, border=(2, 2), pad={"mode": "constant"}),
        luma_chain(ONE, "Relu", LAST, border=(2, 2), weights=[0.5], shape=(1, 1, 1, 1)),
        luma_chain(ONE, "Relu", LAST, border=(2, 2), axes=2),
        luma_chain(ONE, "Relu", LAST, border=(2, 2), added="y"),
        luma_chain(ONE, "Relu", LAST, border=(2, 2), concat=2),
        luma_chain(ONE, "Relu", (8, 3, 3, 3), border=(2, 2)),
        luma_chain(ONE, "Relu", LAST, "Relu", border=(2, 2)),
        luma_chain((1, 1, 3, 3), border=(1, 1)),
    ],
    ids=[
        "border",
        "reflect",
        "zeros",
        "weights",
        "axis",
        "added",
        "concat",
        "planes",
        "tail",
        "one",
    ],
)
def test_other_graphs_on_luma_are_not_read(content: bytes) -> None:
    assert read_network(content, "input", "factor") is None


def test_a_pad_of_old_operator_sets_is_not_read() -> None:
    """Before opset 11, its numbers are an attribute."""
    model = onnx.load_from_string(luma_chain(ONE, "Relu", LAST, border=(2, 2)))
    (pad,) = (node for node in model.graph.node if node.op_type == "Pad")
    del pad.input[1:]
    pad.attribute.append(helper.make_attribute("pads", [0, 0, 2, 2] * 2))
    assert read_network(model.SerializeToString(), "input", "factor") is None


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
    engines: dict[tuple[str, int], Engine], photograph: npt.NDArray[np.uint8], scale: str
) -> None:
    size = compute_output_size(Size(*photograph.shape[:2]), parse_scale(scale))
    result = np.zeros((*size, 3), np.uint8)
    turns = iter(range(1000))

    def raise_if_cancelled() -> None:
        if next(turns) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engines["luma", 32].enlarge(photograph, result, raise_if_cancelled=raise_if_cancelled)
    assert next(turns) == 6
    done = result.copy()
    enlarge(engines["luma", 32], photograph[:8, :8], Size(16, 16))
    assert np.array_equal(result, done), "a tile was still being computed"


def test_views_are_read_and_filled_in_place(engines: dict[tuple[str, int], Engine]) -> None:
    """The colours of a picture with alpha are not copied."""
    image = np.random.default_rng(3).integers(0, 256, (64, 70, 4), np.uint8)
    result = np.full((256, 280, 4), 9, np.uint8)
    engines["luma", 67].enlarge(image[:, :, :3], result[:, :, :3])
    assert (result[:, :, 3] == 9).all()
    expected = enlarge(engines["luma", 256], np.ascontiguousarray(image[:, :, :3]), Size(256, 280))
    assert np.abs(result[:, :, :3].astype(int) - expected).max() <= 1
