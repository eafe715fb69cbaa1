"""Build what enlarges the colours and the alpha of pictures with a model.

A graph of the engine's form is run by the engine, in tiles. Any other graph is run untiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt
import onnxruntime

from srcnn.errors import ModelError, UsageError
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.config import InferenceConfig
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING, Networks
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.inference.session_loader import SessionLoader, choose_loaders
from srcnn.inference.untiled import UntiledGraph
from srcnn.model.card import Rounding
from srcnn.model.model_file import Model
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import make_session

# Values of the largest layers, for the tiles of all threads together.
_TILES_BYTES = 200 * 2**20
_SMALLEST_TILE_PX = 64


class Enlarger(Protocol):
    """Enlarges the colours or the alpha of pictures."""

    def enlarge(
        self,
        image: npt.NDArray[Any],
        result: npt.NDArray[Any],
        raise_if_cancelled: Callable[[], None],
    ) -> None:
        """Fill `result` (H', W', C) from `image` (H, W, C)."""


class Enlargers(NamedTuple):
    """What enlarges pictures with one model.

    Attributes:
        alpha: enlarges alpha, without a network.
        fast_colours: enlarges colours, in bfloat16; None unless `fast` was asked for.
        colours: enlarges colours, in float32.
    """

    alpha: Enlarger
    fast_colours: Enlarger | None
    colours: Enlarger


def build_enlargers(
    model: Model,
    info: GraphInterface,
    config: InferenceConfig,
    session: onnxruntime.InferenceSession | None = None,
) -> Enlargers:
    """Build what enlarges pictures with a model.

    Args:
        model: the ONNX file.
        info: how to run its graph.
        config: how to compute.
        session: of the whole graph, if there is one already; opened if it is needed.

    Raises:
        ModelError: the graph cannot be used; the message says why.
        UsageError: the provider or the precision is not available.
    """
    try:
        networks = _read_networks(model, info)
        exact, fast = choose_loaders(config.provider, config.precision)
        if fast and networks is None:
            raise UsageError(
                f"{model.url}: --precision fast needs a graph of a cubic upsampling followed by "
                "convolutions; this graph has another form: use --precision exact"
            )
        build = partial(_build_engine, config=config)
        return Enlargers(
            # Always to the nearest: the cubic of 255 is slightly below 255 in places, and
            # truncating would make it 254.
            alpha=build(UPSAMPLING, choose_loaders("cpu", "exact")[0], "nearest"),
            fast_colours=build(networks, fast, info.rounding) if networks and fast else None,
            colours=build(networks, exact, info.rounding)
            if networks
            else UntiledGraph(
                session or make_session(model.content, config.provider, config.thread_count), info
            ),
        )
    except ModelError as error:
        raise ModelError(f"{model.url}: {error}") from error


def _read_networks(model: Model, info: GraphInterface) -> Networks | None:
    if not info.is_split_safe:
        return None
    return read_network(model.content, info.image, info.factor or "")


def _build_engine(
    networks: Networks, loader: SessionLoader, rounding: Rounding, config: InferenceConfig
) -> Engine:
    """Make an engine whose tiles together use little memory, for any number of threads."""
    threads = config.thread_count
    pixels = _TILES_BYTES // (networks.bytes_per_pixel * threads)
    side = max(min(config.tile_px, math.isqrt(pixels)), _SMALLEST_TILE_PX)
    tile_bytes = side * side * networks.bytes_per_pixel
    return Engine(
        networks,
        loader.load,
        TilePool(partial(pool, threads), threads),
        side,
        rounding,
        held_bytes=tile_bytes if loader.keeps_tile_memory else 0,
    )
