"""`--precision fast`: the graphs taken apart and put together again, and where it is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pytest

import srcnn
from srcnn.engine.engine import Engine
from srcnn.engine.fast import load_fast
from srcnn.engine.network import UPSAMPLING, read_network
from srcnn.engine.pool import Cores
from srcnn.model import load_model
from srcnn.session import make_session, runner

openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")


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
    """In float32, which every processor has; what bfloat16 costs is measured, not tested."""
    network = read_network(load_model().content, "input", "factor")
    assert network is not None
    levels = np.iinfo(dtype).max // 255
    image = photograph[:80, :80, :channels].astype(dtype) * dtype(levels)
    results = []
    for load in (
        lambda graph: runner(make_session(graph, "cpu")),
        partial(load_fast, arithmetic="f32"),
    ):
        result = np.zeros((*size, channels), dtype)
        cores = Cores(ThreadPoolExecutor(2), 2)
        Engine(network, load, cores, 96).enlarge(image, result)
        results.append(result.astype(int))
    difference = np.abs(results[0] - results[1])
    assert difference.max() <= levels
    assert np.count_nonzero(difference > levels / 10) < difference.size / 1000


@openvino
def test_a_graph_without_convolutions_stays_where_it_is() -> None:
    engine = Engine(UPSAMPLING, load_fast, Cores(ThreadPoolExecutor(1), 1), 64)
    result = np.zeros((20, 30, 1), np.uint8)
    engine.enlarge(np.full((10, 15, 1), 77, np.uint8), result)
    assert (result == 77).all()


@openvino
def test_it_is_refused_where_the_processor_gains_nothing() -> None:
    if has_bf16():
        image = np.full((8, 8, 3), 120, np.uint8)
        assert srcnn.Upscaler.load(precision="fast")(image, 2).shape == (16, 16, 3)
    else:
        with pytest.raises(srcnn.UsageError, match=r"bfloat16 .* which this one .* does not"):
            srcnn.Upscaler.load(precision="fast")


def test_it_does_not_go_with_another_provider() -> None:
    with pytest.raises(srcnn.UsageError, match="leave out --provider cuda"):
        srcnn.Upscaler.load(provider="cuda", precision="fast")
