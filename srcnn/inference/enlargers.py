"""Build what enlarges the colours and the alpha of pictures with a model.

A graph of the engine's form is run by the engine, in tiles. Any other graph is run untiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from srcnn.errors import ModelError, UsageError
from srcnn.graphs.describe import GraphInfo, describe
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING, Networks
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.inference.session_loader import SessionLoader, choose_loader
from srcnn.inference.untiled import UntiledGraph
from srcnn.model.card import Convention, Rounding
from srcnn.model.model_file import Model
from srcnn.runtime.cores import pool
from srcnn.runtime.onnx_session import Precision, Provider, make_run, make_session

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
        info: inputs and outputs of the model's graph.
        colours: enlarges colours, in float32.
        fast_colours: enlarges colours, in bfloat16; None unless `fast` was asked for.
        alpha: enlarges alpha, without a network.
    """

    info: GraphInfo
    colours: Enlarger
    fast_colours: Enlarger | None
    alpha: Enlarger


@dataclass(frozen=True)
class EngineOptions:
    """How to compute.

    Attributes:
        provider: execution provider.
        precision: `exact` or `fast`.
        threads: that compute.
        tile_px: side of the tiles that pictures are computed in.
    """

    provider: Provider
    precision: Precision
    threads: int
    tile_px: int


def build_enlargers(
    model: Model, options: EngineOptions, convention: Convention | None
) -> Enlargers:
    """Load a model and build its enlargers.

    Args:
        model: the ONNX file.
        options: how to compute.
        convention: of the pixels of a graph that has no card; see `graphs.describe`.

    Raises:
        ModelError: the graph cannot be used; the message says why.
        UsageError: the provider or the precision is not available.
    """
    # First, because it checks that the provider and the precision are available.
    loader = choose_loader(options.provider, options.precision)
    is_fast = options.precision == "fast"
    exact_loader = choose_loader(options.provider, "exact") if is_fast else loader
    try:
        session = make_session(model.content, options.provider, options.threads)
        info = describe(session, convention)
        networks = _read_networks(model, info)
    except ModelError as error:
        raise ModelError(f"{model.url}: {error}") from error
    if networks is None and is_fast:
        raise UsageError(
            f"{model.url}: --precision fast needs a graph of a cubic upsampling followed by "
            "convolutions; this graph has another form: use --precision exact"
        )
    build = partial(_build_engine, options=options)
    return Enlargers(
        info=info,
        colours=build(networks, exact_loader, info.rounding)
        if networks
        else UntiledGraph(make_run(session), info),
        fast_colours=build(networks, loader, info.rounding) if networks and is_fast else None,
        # Always to the nearest: the cubic of 255 is slightly below 255 in places, and truncating
        # would make it 254.
        alpha=build(UPSAMPLING, choose_loader("cpu", "exact"), "nearest"),
    )


def _read_networks(model: Model, info: GraphInfo) -> Networks | None:
    if not info.is_split_safe:
        return None
    return read_network(model.content, info.image, info.factor or "")


def _build_engine(
    networks: Networks, loader: SessionLoader, rounding: Rounding, options: EngineOptions
) -> Engine:
    """An engine whose tiles together use little memory, for any number of threads."""
    pixels = _TILES_BYTES // (networks.bytes_per_pixel * options.threads)
    side = max(min(options.tile_px, math.isqrt(pixels)), _SMALLEST_TILE_PX)
    tile_bytes = side * side * networks.bytes_per_pixel
    return Engine(
        networks,
        loader.load,
        TilePool(partial(pool, options.threads), options.threads),
        side,
        rounding,
        held_bytes=tile_bytes if loader.keeps_tile_memory else 0,
    )
