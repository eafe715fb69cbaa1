"""The engine: a picture through a network, tile by tile, on all cores, in bounded memory.

Decides which graph computes which part of the result: whole factors go phase by phase
(`phase_tiles`); all others, and the frame where the network's own zero padding shows, go by
upsampled tiles (`upsampled_tiles`). Whatever takes the fewest multiplications is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from srcnn.geometry import Size, make_resize_factor
from srcnn.inference.engine.graph_writer import PixelFormat
from srcnn.inference.engine.network import Networks
from srcnn.inference.engine.phase_tiles import Factors, PhaseTiles
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tile_pixels import Array, Box, TiledImage
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.inference.engine.upsampled_graph import count_macs_per_pixel
from srcnn.inference.engine.upsampled_tiles import UpsampledTiles
from srcnn.model.card import Rounding
from srcnn.runtime.onnx_session import Run

_MAX_WHOLE_FACTOR = 8  # factors above are rare, and their graphs large


class Engine:
    """The networks of one graph on one processor; threads may share it."""

    def __init__(  # noqa: PLR0913 - independent choices
        self,
        networks: Networks,
        load: Callable[[bytes], Run],
        cores: TilePool,
        tile_px: int,
        rounding: Rounding = "nearest",
        *,
        held_bytes: int = 0,
    ) -> None:
        """Load nothing yet.

        Args:
            networks: for three channels.
            load: makes an ONNX file ready to run.
            cores: where tiles are computed.
            tile_px: side of a tile of the result, 32 at least.
            rounding: how values become integers.
            held_bytes: that a graph which `load` makes ready keeps for its next run.
        """
        self._networks = networks
        self._cores = cores
        self._rounding = rounding
        ready = SessionCache(load, held_bytes=held_bytes)
        self._upsampled = UpsampledTiles(ready, tile_px)
        self._phases = PhaseTiles(ready, tile_px)

    def enlarge(
        self, image: Array, result: Array, before_tile: Callable[[], None] = lambda: None
    ) -> None:
        """Upsample a picture and send it through the network.

        Args:
            image: (H, W, 3) BGR or (H, W, 1) grey; uint8, uint16, or float32 0..255.
            result: (H', W', C), where the result is written; of the same type. float32 is
                neither clipped nor rounded.
            before_tile: called on this thread before each tile; ends the picture by raising.

        Raises:
            InferenceFailedError: a value is not finite, or the runtime fails.
        """
        size_in, size_out = Size(*image.shape[:2]), Size(*result.shape[:2])
        channels = image.shape[2]
        network = self._networks.at(make_resize_factor(size_in, size_out)).for_channels(channels)
        task = TiledImage(
            image, result, PixelFormat(image.dtype, channels, self._rounding), network
        )

        def calls() -> Iterator[Callable[[], None]]:
            for call in self._calls(task):
                before_tile()
                yield call

        self._cores.run(calls())

    def _calls(self, task: TiledImage) -> Iterator[Callable[[], None]]:
        """One call for each tile."""
        whole: Box = ((0, task.size_out.height), (0, task.size_out.width))
        factors = _whole_factors(task.size_in, task.size_out)
        inner = self._inner(task, factors) if factors else None
        if not factors or not inner or not self._phases_pay(task, factors, inner):
            yield from self._upsampled.calls(task, whole)
            return
        yield from self._phases.calls(task, factors, inner)
        for box in _around(whole, inner):
            yield from self._upsampled.calls(task, box)

    @staticmethod
    def _inner(task: TiledImage, factors: Factors) -> Box | None:
        """The part of the result that sees nothing of the zeros around the picture.

        It begins and ends at whole pixels of the picture before it is enlarged.
        """
        borders = [
            -(-reach // factor) for reach, factor in zip(task.network.reach, factors, strict=True)
        ]
        rows, columns = (
            (border * factor, (length - border) * factor)
            for length, border, factor in zip(task.size_in, borders, factors, strict=True)
        )
        return (rows, columns) if rows[0] < rows[1] and columns[0] < columns[1] else None

    def _phases_pay(self, task: TiledImage, factors: Factors, inner: Box) -> bool:
        """Whether phases, and a frame around them, take fewer multiplications."""
        by_phases = self._phases.count_macs_per_pixel(task.network, factors)
        upsampled = count_macs_per_pixel(task.network)
        pixels = math.prod(stop - start for start, stop in inner)
        # The tiles of a frame are narrow: what they compute around themselves counts.
        around = 2 * max(task.network.reach) * (task.size_out.height + task.size_out.width)
        frame = task.size_out.pixels - pixels + around
        return pixels * by_phases + frame * upsampled < task.size_out.pixels * upsampled


def _whole_factors(size_in: Size, size_out: Size) -> Factors | None:
    factors = (size_out.height // size_in.height, size_out.width // size_in.width)
    is_whole = size_out == (size_in.height * factors[0], size_in.width * factors[1])
    return factors if is_whole and max(factors) <= _MAX_WHOLE_FACTOR else None


def _around(whole: Box, inner: Box) -> Iterator[Box]:
    """The frame between two boxes: above, below, left and right."""
    (top, bottom), (left, right) = inner
    yield (whole[0][0], top), whole[1]
    yield (bottom, whole[0][1]), whole[1]
    yield (top, bottom), (whole[1][0], left)
    yield (top, bottom), (right, whole[1][1])
