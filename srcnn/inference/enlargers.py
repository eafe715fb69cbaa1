"""Build what enlarges the colours and the alpha of pictures with a model.

A graph of the engine's form is run by the engine, any other graph by `any_graph`. One with a fixed
factor is run by both: see `fixed_factor`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from srcnn.errors import ModelError
from srcnn.graphs.free_axes import free_axes
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.any_graph.any_graph import AnyGraph
from srcnn.inference.config import InferenceConfig
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING, Networks
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.inference.fixed_factor import FixedFactor
from srcnn.model.model_file import Model
from srcnn.model.onnx_file import parse_complete
from srcnn.model.pixel_format import Rounding
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import Provider, Run, choose_providers, make_run, make_session

# Values of the largest layers, for the tiles of all threads together.
_TILES_BYTES = 200 * 2**20
_SMALLEST_TILE_PX = 64


class Enlarger(Protocol):
    """Enlarges the colours or the alpha of pictures."""

    @property
    def tiles_bytes(self) -> int:
        """What tiles may take at a time, besides the pictures; 0 if it is not worth counting."""

    def enlarge(
        self,
        image: npt.NDArray[Any],
        result: npt.NDArray[Any],
        quality: float,
        raise_if_cancelled: Callable[[], None],
    ) -> tuple[str, ...]:
        """Fill `result` (H', W', C) from `image` (H, W, C); return notes for the report.

        `quality` is that of the source, 1 to 100, for weights that depend on it.
        """


class Enlargers(NamedTuple):
    """What enlarges pictures with one model.

    Attributes:
        alpha: enlarges alpha, without a network.
        colours: enlarges colours.
    """

    alpha: Enlarger
    colours: Enlarger


def build_enlargers(model: Model, info: GraphInterface, config: InferenceConfig) -> Enlargers:
    """Build what enlarges pictures with a model.

    Args:
        model: the ONNX file.
        info: how to run its graph.
        config: how to compute.

    Raises:
        ModelError: the graph cannot be used; the message says why.
        UsageError: the provider is not available.
    """
    choose_providers(config.provider)  # before the first picture, whose graphs need it
    try:
        networks = _read_networks(model, info)
        # Always to the nearest: the cubic of 255 is slightly below 255 in places, and truncating
        # would make it 254.
        alpha = _build_engine(UPSAMPLING, "cpu", "nearest", config)
        engine = (
            _build_engine(networks, config.provider, info.rounding, config) if networks else None
        )
        if engine and not info.fixed:
            return Enlargers(alpha, engine)
        graph = AnyGraph(free_axes(model.content)[0], info, config)
        if engine and info.fixed:
            return Enlargers(alpha, FixedFactor(info.fixed, engine, graph))
        return Enlargers(alpha, graph)
    except ModelError as error:
        raise ModelError(f"{model.url}: {error}") from error


def _read_networks(model: Model, info: GraphInterface) -> Networks | None:
    if not info.is_split_safe or info.enlarge_first:
        parse_complete(model.content)  # as `read_network` does
        return None
    factor = info.factor or info.fixed or ""
    return read_network(model.content, info.image, factor, info.quality or "")


def _build_engine(
    networks: Networks, provider: Provider, rounding: Rounding, config: InferenceConfig
) -> Engine:
    """Make an engine whose tiles together use little memory, for any number of threads."""
    threads = config.thread_count
    pixels = _TILES_BYTES // (networks.bytes_per_pixel * threads)
    side = max(min(config.tile_px, math.isqrt(pixels)), _SMALLEST_TILE_PX)

    def load(content: bytes) -> Run:
        return make_run(make_session(content, provider, is_small=True))

    return Engine(networks, load, TilePool(partial(pool, threads), threads), side, rounding)
