"""The engine: run a network on a picture, tile by tile, on all cores, in bounded memory.

The engine chooses the graph for each part of the result. Integer factors are computed phase by
phase (`phase_tiles`), except for a frame that the network's zero padding affects. That frame, and
all other factors, are computed from upsampled tiles (`upsampled_tiles`). Phases are only used if
they need fewer multiplications.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from srcnn.geometry import Size, make_resize_factor
from srcnn.inference.engine.graph_writer import PixelFormat
from srcnn.inference.engine.network import Networks
from srcnn.inference.engine.phase_tiles import Factors, PhaseTiles
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.inference.engine.tiled_image import Array, Box, TiledImage
from srcnn.inference.engine.upsampled_graph import count_macs_per_pixel
from srcnn.inference.engine.upsampled_tiles import UpsampledTiles
from srcnn.model.card import Rounding
from srcnn.runtime.onnx_session import Run

_MAX_WHOLE_FACTOR = 8  # larger factors are rare, and their graphs are large


class Engine:
    """Computes the networks of one model; threads may share it."""

    def __init__(  # noqa: PLR0913 - independent choices
        self,
        networks: Networks,
        load: Callable[[bytes], Run],
        pool: TilePool,
        tile_px: int,
        rounding: Rounding = "nearest",
        *,
        held_bytes: int = 0,
    ) -> None:
        """Create the engine; graphs are loaded when they are needed.

        Args:
            networks: for three channels.
            load: loads an ONNX file.
            pool: computes the tiles.
            tile_px: side of a tile of the result, at least 32.
            rounding: how values are converted to integers.
            held_bytes: memory that a loaded graph keeps between runs.
        """
        self._networks = networks
        self._pool = pool
        self._rounding = rounding
        sessions = SessionCache(load, held_bytes=held_bytes)
        self._upsampled = UpsampledTiles(sessions, tile_px)
        self._phases = PhaseTiles(sessions, tile_px)

    def enlarge(
        self, image: Array, result: Array, raise_if_cancelled: Callable[[], None] = lambda: None
    ) -> None:
        """Upsample a picture and run the network on it.

        Args:
            image: (H, W, 3) BGR or (H, W, 1) grey; uint8, uint16, or float32 0..255.
            result: (H', W', C) of the same type, to be filled. float32 is neither clipped nor
                rounded.
            raise_if_cancelled: called on this thread before each tile; raises to stop.

        Raises:
            InferenceFailedError: a value is not finite, or the runtime fails.
        """
        size_in, size_out = Size(*image.shape[:2]), Size(*result.shape[:2])
        channels = image.shape[2]
        network = self._networks.at(make_resize_factor(size_in, size_out)).adapt_to_channels(
            channels
        )
        tiled = TiledImage(
            image, result, PixelFormat(image.dtype, channels, self._rounding), network
        )

        def make_calls() -> Iterator[Callable[[], None]]:
            for call in self._make_calls(tiled):
                raise_if_cancelled()
                yield call

        self._pool.run(make_calls())

    def _make_calls(self, tiled: TiledImage) -> Iterator[Callable[[], None]]:
        """Make a call for each tile."""
        whole: Box = ((0, tiled.size_out.height), (0, tiled.size_out.width))
        factors = _find_whole_factors(tiled.size_in, tiled.size_out)
        inner = self._find_inner(tiled, factors) if factors else None
        if not factors or not inner or not self._are_phases_cheaper(tiled, factors, inner):
            yield from self._upsampled.make_calls(tiled, whole)
            return
        yield from self._phases.make_calls(tiled, factors, inner)
        for box in _split_frame(whole, inner):
            yield from self._upsampled.make_calls(tiled, box)

    @staticmethod
    def _find_inner(tiled: TiledImage, factors: Factors) -> Box | None:
        """Return the part of the result that is not affected by the zeros around the picture.

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

    def _are_phases_cheaper(self, tiled: TiledImage, factors: Factors, inner: Box) -> bool:
        """Whether phases, and a frame around them, need fewer multiplications."""
        by_phases = self._phases.count_macs_per_pixel(tiled.network, factors)
        upsampled = count_macs_per_pixel(tiled.network)
        pixels = math.prod(stop - start for start, stop in inner)
        # The tiles of a frame are narrow, so their margins count.
        around = 2 * max(tiled.network.reach) * (tiled.size_out.height + tiled.size_out.width)
        frame = tiled.size_out.pixels - pixels + around
        return pixels * by_phases + frame * upsampled < tiled.size_out.pixels * upsampled


def _find_whole_factors(size_in: Size, size_out: Size) -> Factors | None:
    factors = (size_out.height // size_in.height, size_out.width // size_in.width)
    is_whole = size_out == (size_in.height * factors[0], size_in.width * factors[1])
    return factors if is_whole and max(factors) <= _MAX_WHOLE_FACTOR else None


def _split_frame(whole: Box, inner: Box) -> Iterator[Box]:
    """Split the frame between two boxes into four: above, below, left and right."""
    (top, bottom), (left, right) = inner
    yield (whole[0][0], top), whole[1]
    yield (bottom, whole[0][1]), whole[1]
    yield (top, bottom), (whole[1][0], left)
    yield (top, bottom), (right, whole[1][1])
