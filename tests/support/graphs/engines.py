"""The engine as tests run it, and the whole graph that it is compared with."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from srcnn.geometry import Size, make_resize_factor
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import Run, make_run, make_session

Array = npt.NDArray[Any]
POOL = TilePool(partial(pool, 2), 2)


def load(graph: bytes) -> Run:
    return make_run(make_session(graph, "cpu", is_small=True))


def make_engine(content: bytes, tile: int) -> Engine:
    networks = read_network(content, "input", "factor")
    assert networks is not None
    return Engine(networks, load, POOL, tile)


def enlarge(engine: Engine, image: Array, size: Size) -> Array:
    result = np.full((*size, image.shape[2]), 77, image.dtype)
    engine.enlarge(image, result)
    return result


def run_whole(content: bytes, image: Array, size: Size) -> Array:
    """Run a graph untiled: (H, W, 3), or the mean of its three planes for (H, W, 1)."""
    session = onnxruntime.InferenceSession(content)
    colours = np.broadcast_to(image, (*image.shape[:2], 3)).astype(np.float32)
    factor = make_resize_factor(Size(*image.shape[:2]), size)
    block = np.ascontiguousarray(colours.transpose(2, 0, 1)[None])
    planes = session.run(None, {"input": block, "factor": factor})[0][0].transpose(1, 2, 0)
    result: Array = planes if image.shape[2] == 3 else planes.mean(axis=2, keepdims=True)
    return result


def noise(shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)
