"""`--precision fast`: convolutions in OpenVINO, and when it is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

import srcnn
from srcnn.inference.engine import bfloat16
from srcnn.inference.engine.bfloat16 import CompiledConvolutions, load_fast, load_parts
from srcnn.inference.engine.bfloat16_centering import round_weights, to_bfloat16
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING, Activation, Convolution, Layer, Network
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.model.model_file import load_model
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import Run, make_run, make_session

openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")


def load_float32(graph: bytes) -> Run:
    return load_parts(graph, lambda convolutions: CompiledConvolutions(convolutions, "f32"))


def load_exact(graph: bytes) -> Run:
    return make_run(make_session(graph, "cpu", is_small=True))


def has_bf16() -> bool:
    import openvino as ov  # noqa: PLC0415 - an extra

    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@openvino
@pytest.mark.parametrize("size", [(240, 240), (200, 190)], ids=["phases", "upsampled"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_with_convolutions_in_openvino_the_picture_is_the_same(
    photograph: npt.NDArray[np.uint8], size: tuple[int, int], channels: int, dtype: type
) -> None:
    """In float32, which every processor supports, but with weights rounded to bfloat16."""
    network = read_network(load_model().content, "input", "factor")
    assert network is not None
    levels = np.iinfo(dtype).max // 255
    image = photograph[:80, :80, :channels].astype(dtype) * dtype(levels)
    results = []
    for load in (load_exact, load_float32):
        result = np.zeros((*size, channels), dtype)
        cores = TilePool(partial(pool, 2), 2)
        Engine(network, load, cores, 96).enlarge(image, result)
        results.append(result.astype(int))
    difference = np.abs(results[0] - results[1]) / levels
    assert difference.max() <= 3
    assert difference.mean() < 0.25
    assert abs((results[0] - results[1]).mean()) / levels < 0.15, "another brightness"


@openvino
def test_a_graph_without_convolutions_stays_in_onnx_runtime() -> None:
    engine = Engine(UPSAMPLING, load_fast, TilePool(partial(pool, 1), 1), 64)
    result = np.zeros((20, 30, 1), np.uint8)
    engine.enlarge(np.full((10, 15, 1), 77, np.uint8), result)
    assert (result == 77).all()


@openvino
def test_it_is_refused_if_the_processor_does_not_support_it() -> None:
    if has_bf16():
        image = np.full((8, 8, 3), 120, np.uint8)
        assert srcnn.Upscaler.load(precision="fast")(image, 2).shape == (16, 16, 3)
    else:
        with pytest.raises(srcnn.UsageError, match=r"bfloat16 .* this one .* does not"):
            srcnn.Upscaler.load(precision="fast")


def test_it_cannot_be_combined_with_another_provider() -> None:
    with pytest.raises(srcnn.UsageError, match="leave out --provider cuda"):
        srcnn.Upscaler.load(provider="cuda", precision="fast")


@openvino
def test_computing_relative_to_middle_grey_changes_nothing(
    photograph: npt.NDArray[np.uint8],
) -> None:
    """With weights that bfloat16 represents load_exact, and no rounding of values."""
    networks = read_network(load_model().content, "input", "factor")
    assert networks is not None
    found = networks.at(np.array([1, 1, 2.5, 2.5], np.float32))
    layers = tuple(
        Convolution(to_bfloat16(layer.weight), layer.bias)
        if isinstance(layer, Convolution)
        else layer
        for layer in found.layers
    )
    image = photograph[:90, :80].astype(np.float32)
    results = []
    for load in (load_exact, load_float32):
        result = np.zeros((225, 200, 3), np.float32)
        cores = TilePool(partial(pool, 2), 2)
        Engine(Network(layers), load, cores, 64).enlarge(image, result)
        results.append(result)
    assert np.abs(results[0] - results[1]).max() < 0.02


RANDOM = np.random.default_rng(0)
RELU, LEAKY, TANH = Activation("Relu"), Activation("LeakyRelu"), Activation("Tanh")


def convolution(outputs: int, inputs: int, side: int) -> Convolution:
    weight = RANDOM.normal(0, 1 / side / inputs**0.5, (outputs, inputs, side, side))
    return Convolution(to_bfloat16(weight), RANDOM.normal(0, 5, outputs).astype(np.float32))


FIRST, LAST = convolution(8, 3, 5), convolution(3, 8, 3)


@openvino
@pytest.mark.parametrize("size", [(135, 120), (112, 100)], ids=["phases", "upsampled"])
@pytest.mark.parametrize(
    "between",
    [
        (),
        (TANH,),
        (RELU, LEAKY),
        (LEAKY, RELU),
        (RELU, RELU),
        (RELU, convolution(8, 8, 1)),
        (convolution(8, 8, 3), RELU),
        (RELU, convolution(8, 8, 3), TANH, convolution(8, 8, 5), LEAKY),
    ],
    ids=lambda layers: "-".join(getattr(layer, "operator", "conv") for layer in layers),
)
def test_networks_of_other_layers_change_as_little(
    between: tuple[Layer, ...], size: tuple[int, int]
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (45, 40, 3)).astype(np.float32)
    results = []
    for load in (load_exact, load_float32):
        result = np.zeros((*size, 3), np.float32)
        cores = TilePool(partial(pool, 2), 2)
        Engine(Network((FIRST, *between, LAST)), load, cores, 64).enlarge(image, result)
        results.append(result)
    # At integer factors the weights include the cubic, and are rounded.
    assert np.abs(results[0] - results[1]).mean() < 0.5


def test_weights_are_rounded_and_their_sums_stay() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (8, 16, 5, 5)).astype(np.float32)
    weight[:, 3] = 0
    found = round_weights(weight)
    assert np.array_equal(found, to_bfloat16(found))
    assert (found[:, 3] == 0).all()
    assert np.abs(found - weight).max() < 2**-6 * 4
    alone = to_bfloat16(weight).sum(axis=(1, 2, 3)) - weight.sum(axis=(1, 2, 3))
    error = found.sum(axis=(1, 2, 3)) - weight.sum(axis=(1, 2, 3))
    assert np.abs(error).max() < np.abs(alone).max() / 4
    assert np.abs(error).max() < 2**-8


class Watched(CompiledConvolutions):
    """Counts the threads that compute at the same time; the first waits for others."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.meeting = threading.Barrier(2)

    def _infer(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        with suppress(threading.BrokenBarrierError):
            self.meeting.wait(0.5)
        self.inside -= 1
        return planes


def test_the_first_inference_of_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at a time deadlocked in OpenVINO's binding: a third of the runs hung."""
    monkeypatch.setattr(bfloat16, "_is_initialised", threading.Event())
    first, later = Watched(), Watched()
    for watched in (first, later):
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(watched, [np.zeros(1)] * 2))
    assert (first.most, later.most) == (1, 2)


@openvino
def test_requests_are_created_for_concurrent_runs_not_for_each_thread() -> None:
    compiled: list[CompiledConvolutions] = []

    def compile_convolutions(model: onnx.ModelProto) -> CompiledConvolutions:
        compiled.append(CompiledConvolutions(model, "f32"))
        return compiled[-1]

    engine = Engine(
        Network((FIRST, RELU, LAST)),
        lambda graph: load_parts(graph, compile_convolutions),
        TilePool(lambda: pool(4), 4),
        64,
    )
    for _ in range(8):  # one tile each, on any free thread
        engine.enlarge(np.zeros((20, 20, 3), np.uint8), np.zeros((30, 30, 3), np.uint8))
    assert [len(convolutions._idle) for convolutions in compiled] == [1]
