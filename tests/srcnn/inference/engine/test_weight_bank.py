"""Weights that depend on the factor: the engine against the untiled graph, and its caches."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import srcnn
from srcnn.errors import InferenceFailedError
from srcnn.geometry import Size, compute_output_size, make_resize_factor
from srcnn.inference.any_graph.any_graph import AnyGraph
from srcnn.inference.config import InferenceConfig
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import Activation, Convolution, Network
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.phase_graph import write_phase_graph
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.upsampled_graph import write_upsampled_graph
from srcnn.inference.engine.weight_bank import WeightBank
from srcnn.model.model_file import Model
from srcnn.model.pixel_format import StatedPixels
from srcnn.parse_scale import parse_scale
from srcnn.runtime.onnx_session import Run
from tests.support.graphs import banks
from tests.support.graphs.engines import POOL, Array, enlarge, load, make_engine, noise, run_whole

TOLERANCE = 0.02  # grey levels, as in test_engine
GRAPHS = {
    "bank": banks.bank(),
    "of two": banks.bank((1.0, 4.0), seed=9),
    "continuous": banks.continuous(),
    "folded by none": banks.folded_by_none(),
}
SCALES = ["1", "2", "3", "4", "6", "8", "2x3", "4x2", "1x4", "3x1"]
SCALES += ["1.3", "2.5", "3.3", "1.1x2.7", "4x3.5", "9", "1.0625", "16", "longest=97", "width=64"]


def make_model(content: bytes) -> Model:
    return Model("bank", content, "0" * 64)


def make_factor(height: float, width: float | None = None) -> npt.NDArray[np.float32]:
    return np.array([1, 1, height, height if width is None else width], np.float32)


@pytest.fixture(scope="module")
def engines() -> dict[tuple[str, int], Engine]:
    return {
        (name, tile): make_engine(content, tile)
        for name, content in GRAPHS.items()
        for tile in (32, 67, 256)
    }


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(sorted(GRAPHS)),
    size=st.builds(Size, st.integers(7, 60), st.integers(7, 60)),  # longest=97 is in reach
    scale=st.sampled_from(SCALES) | st.floats(1, 8, width=16).map(str),
    channels=st.sampled_from([1, 3]),
    tile=st.sampled_from([32, 67, 256]),
)
@example(name="bank", size=Size(60, 60), scale="4", channels=3, tile=67)
@example(name="bank", size=Size(60, 41), scale="3x2.5", channels=1, tile=32)
def test_tiles_equal_the_untiled_graph_at_every_factor(  # noqa: PLR0913, PLR0917 - one is a fixture
    engines: dict[tuple[str, int], Engine],
    name: str,
    size: Size,
    scale: str,
    channels: int,
    tile: int,
) -> None:
    image = noise((*size, channels), size.pixels)
    larger = compute_output_size(size, parse_scale(scale))
    found = enlarge(engines[name, tile], image, larger)
    assert np.abs(found - run_whole(GRAPHS[name], image, larger)).max() <= TOLERANCE


def test_the_weights_of_these_graphs_depend_on_the_factor() -> None:
    """Otherwise the test above would also pass with constant weights."""
    image = noise((20, 20, 3), 0)
    for name in ("bank", "of two", "continuous"):
        networks = read_network(GRAPHS[name], "input", "factor")
        assert isinstance(networks, WeightBank)
        steep, flat = networks.at(make_factor(1.5)), networks.at(make_factor(3))
        results = []
        for network in (steep, flat):
            result = np.zeros((60, 60, 3), np.float32)
            Engine(network, load, POOL, 64).enlarge(image, result)
            results.append(result)
        assert np.abs(results[0] - results[1]).max() > 1


def test_phases_and_upsampled_tiles_are_both_used(photograph: npt.NDArray[np.uint8]) -> None:
    graphs: list[bytes] = []

    def record(content: bytes) -> Run:
        graphs.append(content)
        return load(content)

    networks = read_network(GRAPHS["bank"], "input", "factor")
    assert networks is not None
    engine = Engine(networks, record, POOL, 256)
    enlarge(engine, photograph[:120, :120], Size(480, 480))
    assert sum(b"rows" not in content for content in graphs) == 1
    graphs.clear()
    enlarge(engine, photograph[:120, :120], Size(300, 300))
    assert graphs
    assert all(b"rows" in content for content in graphs)


@pytest.mark.parametrize(
    "content",
    [
        banks.of_the_image(),
        banks.of_the_image_inside(),
        banks.with_fewer_channels(2.2, 2.9),
    ],
    ids=["image", "image in a branch", "shape"],
)
def test_graphs_with_weights_of_another_form_are_not_run_by_the_engine(content: bytes) -> None:
    assert read_network(content, "input", "factor") is None
    upscaler = srcnn.Upscaler.from_model(
        make_model(content), InferenceConfig(threads=1), StatedPixels("bgr-byte")
    )
    assert isinstance(upscaler._enlargers.colours, AnyGraph)
    image = np.random.default_rng(1).integers(90, 160, (30, 31, 3), np.uint8)
    size = compute_output_size(Size(30, 31), parse_scale("1.9"))
    expected = np.clip(run_whole(content, image, size), 0, 255)
    assert np.abs(upscaler(image, 1.9) - expected).max() <= 0.5 + TOLERANCE


def test_weights_that_change_shape_at_an_untried_factor_fail_the_picture() -> None:
    engine = make_engine(banks.with_fewer_channels(6.01, 6.03), 64)
    image = noise((50, 50, 3), 0)
    enlarge(engine, image, Size(300, 300))
    with pytest.raises(InferenceFailedError, match=r"6.02x6.02 and quality 100 .*\(16, 3, 9, 9\)"):
        enlarge(engine, image, Size(301, 301))


def test_a_bank_has_as_many_networks_as_steps() -> None:
    networks = read_network(GRAPHS["bank"], "input", "factor")
    assert networks is not None
    factors = np.random.default_rng(0).uniform(1, 9, (1500, 2))
    assert len({networks.at(make_factor(*each)) for each in factors}) <= 7 * 16 + 1
    assert networks.at(make_factor(2, 3)) == networks.at(make_factor(2.5))
    assert networks.at(make_factor(2.53)) == networks.at(make_factor(2.5))
    assert networks.at(make_factor(2.56)) != networks.at(make_factor(2.5))


def test_networks_that_compute_the_same_are_equal() -> None:
    def network(weight: float = 1, bias: float = 0, slope: float = 0, channels: int = 3) -> Network:
        first = Convolution(np.full((4, 3, 3, 3), weight, np.float32), np.zeros(4, np.float32))
        last = Convolution(np.ones((3, 4, 1, 1), np.float32), np.full(3, bias, np.float32))
        return Network((first, Activation("LeakyRelu", (("alpha", slope),)), last), channels)

    others = [network(weight=2), network(bias=1), network(slope=0.2), network(channels=1)]
    assert network() == network()
    assert hash(network()) == hash(network())
    assert network() not in others
    assert len({network(), *others}) == 5


def test_threads_with_different_factors_do_not_interfere() -> None:
    engine = make_engine(GRAPHS["bank"], 48)
    image = np.random.default_rng(0).integers(0, 256, (40, 44, 3), np.uint8)
    scales = [str(1 + step / 7) for step in range(21)] * 2
    sizes = [compute_output_size(Size(40, 44), parse_scale(scale)) for scale in scales]
    expected = {size: enlarge(make_engine(GRAPHS["bank"], 48), image, size) for size in set(sizes)}
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda size: enlarge(engine, image, size), sizes))
    for size, result in zip(sizes, found, strict=True):
        assert np.array_equal(result, expected[size])


class Counted:
    """Loads graphs, and counts how many of them are still in memory."""

    def __init__(self) -> None:
        self.loads = 0
        self.alive: weakref.WeakSet[Any] = weakref.WeakSet()

    def __call__(self, content: bytes) -> Run:
        self.loads += 1
        run = load(content)
        self.alive.add(run)
        return run


def test_the_session_cache_is_bounded() -> None:
    networks = read_network(GRAPHS["continuous"], "input", "factor")
    assert networks is not None
    counted = Counted()
    limit = 8 * 2**20
    sessions = SessionCache(counted, limit)
    for step in range(100):
        sessions(write_upsampled_graph, networks.at(make_factor(1 + step / 50)), ())
    gc.collect()
    assert counted.loads == 100
    assert 10 <= len(counted.alive) <= limit // 2**18
    sessions(write_upsampled_graph, networks.at(make_factor(1 + 99 / 50)), ())
    assert counted.loads == 100
    # Graphs at large integer factors are large.
    for factor in range(4, 9):
        sessions(write_phase_graph, networks.at(make_factor(factor)), (factor, factor))
    gc.collect()
    assert len(counted.alive) < 20


def test_a_graph_above_the_limit_is_cached_alone() -> None:
    network = make_engine(GRAPHS["bank"], 64)._networks.at(make_factor(2))
    counted = Counted()
    sessions = SessionCache(counted, 1000)
    for _ in range(3):
        sessions(write_phase_graph, network, (2, 2))
    assert counted.loads == 1


def test_a_picture_loads_each_graph_once_however_small_the_cache() -> None:
    counted = Counted()
    networks = read_network(GRAPHS["bank"], "input", "factor")
    assert networks is not None
    engine = Engine(networks, counted, POOL, 32)
    engine._sessions = SessionCache(counted, 1)
    enlarge(engine, noise((80, 80, 3), 0), Size(200, 200))
    assert counted.loads == 2, "the border and the middle"


def test_threads_that_need_the_same_graph_share_one() -> None:
    counted = Counted()
    sessions = SessionCache(counted)
    network = make_engine(GRAPHS["bank"], 64)._networks.at(make_factor(2))
    together = threading.Barrier(8)

    def ask(_: int) -> Run:
        together.wait()
        return sessions(write_phase_graph, network, (2, 2))

    with ThreadPoolExecutor(8) as threads:
        runs = set(threads.map(ask, range(8)))
    assert len(runs) == counted.loads == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", ["3", "1.7", "longest=100"])
def test_every_kind_of_picture_goes_through_a_bank(dtype: Any, channels: int, scale: str) -> None:
    content = GRAPHS["bank"]
    upscaler = srcnn.Upscaler.from_model(
        make_model(content), InferenceConfig(threads=2, tile_px=64), StatedPixels("bgr-byte")
    )
    levels = np.iinfo(dtype).max // 255
    rng = np.random.default_rng(0)
    image = (rng.integers(100, 156, (37, 41, channels)) * levels).astype(dtype)
    colours: Array = image[:, :, : 1 if channels < 3 else 3]
    if channels in (2, 4):
        image[:, :, -1] = 255 * levels
    picture = image[:, :, 0] if channels == 1 else image
    size = compute_output_size(Size(37, 41), parse_scale(scale))
    found = upscaler.to_size(picture, size)
    assert found.dtype == dtype
    expected = np.clip(run_whole(content, colours / levels, size), 0, 255)
    found_colours = found.reshape(*size, channels)[:, :, : colours.shape[2]]
    assert np.abs(found_colours / levels - expected).max() <= 0.5 / levels + TOLERANCE
    if channels in (2, 4):
        assert (found[:, :, -1] == 255 * levels).all()


def test_the_weights_are_those_of_the_factor_fed_to_the_untiled_graph() -> None:
    """For a size between two steps, the last bit of the float32 factor decides."""
    asked: list[Array] = []
    network = make_engine(GRAPHS["bank"], 64)._networks.at(make_factor(2))

    class RecordingNetworks:
        bytes_per_pixel = network.bytes_per_pixel

        @staticmethod
        def at(factor: npt.NDArray[np.float32], quality: float = 100) -> Network:
            assert quality == 100
            asked.append(factor)
            return network

    image = noise((49, 47, 3), 0)
    enlarge(Engine(RecordingNetworks(), load, POOL, 64), image, Size(103, 101))
    (factor,) = asked
    assert np.array_equal(factor, make_resize_factor(Size(49, 47), Size(103, 101)))
    assert factor.dtype == np.float32
