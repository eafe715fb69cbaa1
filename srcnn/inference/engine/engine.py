"""The engine: run a network on a picture, tile by tile, on all cores, in bounded memory.

The engine chooses the graph for each part of the result. Integer factors are computed phase by
phase (`phase_tiles`), except for a frame from which the network reaches over the border. That
frame, and all other factors, are computed from upsampled tiles (`upsampled_tiles`). Phases are
only used if they need fewer multiplications.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

from srcnn.geometry import Size, make_resize_factor
from srcnn.graphs.graph_format import CLEAN
from srcnn.inference.engine.network import Networks
from srcnn.inference.engine.phase_graph import PhaseGraph
from srcnn.inference.engine.phase_tiles import make_phase_calls
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.inference.engine.tiled_image import Array, Box, TiledImage
from srcnn.inference.engine.upsampled_graph import count_macs_per_pixel
from srcnn.inference.engine.upsampled_tiles import make_upsampled_calls
from srcnn.model.pixel_format import Rounding
from srcnn.runtime.onnx_session import Run

_CACHED = 64  # phase graphs: for the networks, factors and channels of many pictures
_MAX_WHOLE_FACTOR = 8  # larger factors are rare, and their graphs are large


class Engine:
    """Computes the networks of one model; threads may share it."""

    def __init__(
        self,
        networks: Networks,
        load: Callable[[bytes], Run],
        pool: TilePool,
        tile_px: int,
        rounding: Rounding = "nearest",
    ) -> None:
        """Create the engine; graphs are loaded when they are needed.

        Args:
            networks: for three channels.
            load: loads an ONNX file.
            pool: computes the tiles.
            tile_px: side of a tile of the result, at least 32.
            rounding: how values are converted to integers.
        """
        self._networks = networks
        self._pool = pool
        self._rounding = rounding
        self._tile_px = tile_px
        self._sessions = SessionCache(load)
        self._make_phases = lru_cache(_CACHED)(PhaseGraph)

    @property
    def tiles_bytes(self) -> int:
        """Nothing to count: its tiles are small, whatever the picture."""
        return 0

    def enlarge(
        self,
        image: Array,
        result: Array,
        quality: float = CLEAN,
        raise_if_cancelled: Callable[[], None] = lambda: None,
    ) -> tuple[str, ...]:
        """Upsample a picture and run the network on it.

        Args:
            image: (H, W, 3) BGR or (H, W, 1) grey; uint8, uint16, or float32 0..255.
            result: (H', W', C) of the same type, to be filled. float32 is neither clipped nor
                rounded.
            quality: of the source, 1 to 100; ignored if the weights do not depend on it.
            raise_if_cancelled: called on this thread before each tile; raises to stop.

        Returns:
            Notes for the report: none.

        Raises:
            InferenceFailedError: a value is not finite, or the runtime fails.
        """
        size_in, size_out = Size(*image.shape[:2]), Size(*result.shape[:2])
        network = self._networks.at(make_resize_factor(size_in, size_out), quality)
        network = network.adapt_to_channels(image.shape[2])
        tiled = TiledImage(image, result, self._rounding, network)

        def make_calls() -> Iterator[Callable[[], None]]:
            for call in self._make_calls(tiled):
                raise_if_cancelled()
                yield call

        self._pool.run(make_calls())
        return ()

    def _make_calls(self, tiled: TiledImage) -> Iterator[Callable[[], None]]:
        """Make a call for each tile."""
        whole: Box = ((0, tiled.size_out.height), (0, tiled.size_out.width))
        factors = _find_whole_factors(tiled.size_in, tiled.size_out)
        boxes = [whole]
        if factors and tiled.network.has_phases:
            phases = self._make_phases(tiled.network, factors)
            inner = _find_inner(tiled, factors)
            if inner and _are_phases_cheaper(tiled, phases, inner):
                yield from make_phase_calls(self._sessions, tiled, phases, inner, self._tile_px)
                boxes = _split_frame(whole, inner)
        for box in boxes:
            yield from make_upsampled_calls(self._sessions, tiled, box, self._tile_px)


def _find_inner(tiled: TiledImage, factors: tuple[int, int]) -> Box | None:
    """Return the part of the result from which the network does not reach over the border.

    It begins and ends at pixel borders of the input.
    """
    borders = [
        -(-reach // factor) for reach, factor in zip(tiled.network.reach, factors, strict=True)
    ]
    rows, columns = (
        (border * factor, (length - border) * factor)
        for length, border, factor in zip(tiled.size_in, borders, factors, strict=True)
    )
    return (rows, columns) if rows[0] < rows[1] and columns[0] < columns[1] else None


def _are_phases_cheaper(tiled: TiledImage, phases: PhaseGraph, inner: Box) -> bool:
    """Whether phases, and a frame around them, need fewer multiplications."""
    upsampled = count_macs_per_pixel(tiled.network)
    pixels = math.prod(stop - start for start, stop in inner)
    # The tiles of a frame are narrow, so their margins count.
    around = 2 * max(tiled.network.reach) * (tiled.size_out.height + tiled.size_out.width)
    frame = tiled.size_out.pixels - pixels + around
    return pixels * phases.macs_per_pixel + frame * upsampled < tiled.size_out.pixels * upsampled


def _find_whole_factors(size_in: Size, size_out: Size) -> tuple[int, int] | None:
    factors = (size_out.height // size_in.height, size_out.width // size_in.width)
    is_whole = size_out == (size_in.height * factors[0], size_in.width * factors[1])
    return factors if is_whole and max(factors) <= _MAX_WHOLE_FACTOR else None


def _split_frame(whole: Box, inner: Box) -> list[Box]:
    """Split the frame between two boxes into four: above, below, left and right."""
    (top, bottom), (left, right) = inner
    return [
        ((whole[0][0], top), whole[1]),
        ((bottom, whole[0][1]), whole[1]),
        ((top, bottom), (whole[1][0], left)),
        ((top, bottom), (right, whole[1][1])),
    ]
