"""Tiles of any part of the result at any factor, including the picture's border."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product

import numpy as np

from srcnn.inference.engine.bicubic import interpolation
from srcnn.inference.engine.graph_writer import CELLS, COLUMNS, ROWS
from srcnn.inference.engine.session_cache import SessionCache
from srcnn.inference.engine.tiled_image import Array, Box, TiledImage
from srcnn.inference.engine.tiling import cut_range, extend_range
from srcnn.inference.engine.upsampled_graph import (
    MASKS,
    choose_pixel_block,
    write_upsampled_graph,
)
from srcnn.runtime.onnx_session import Run


def make_upsampled_calls(
    sessions: SessionCache, tiled: TiledImage, box: Box, tile_px: int
) -> Iterator[Callable[[], None]]:
    """Make a call for each tile.

    Args:
        sessions: loads and caches graphs.
        tiled: the picture and its result.
        box: part of the result.
        tile_px: side of a tile of the result.
    """
    block, lengths = choose_pixel_block(tiled.network), _choose_lengths(box, tile_px)
    down, across = (cut_range(*box[axis], lengths[axis], block[axis]) for axis in (0, 1))

    @cache  # for this picture, which may need more graphs than `sessions` can cache
    def load_graph(masks: tuple[str, ...]) -> Run:
        return sessions(write_upsampled_graph, tiled.network, masks)

    for tile in product(down, across):
        rows, columns = (
            extend_range(*part, reach, side)
            for part, reach, side in zip(tile, tiled.network.reach, block, strict=True)
        )
        masks = _make_masks(tiled, (rows, columns))
        yield partial(_compute, load_graph(tuple(masks)), tiled, tile, (rows, columns), masks)


def _choose_lengths(box: Box, side: int) -> tuple[int, int]:
    """Choose the height and width of tiles: longer tiles if the box is narrow."""
    height, width = (stop - start for start, stop in box)
    if height < width:
        return min(height, side), min(side * side // min(height, side), 2 * side)
    return min(side * side // min(width, side), 2 * side), min(width, side)


def _make_masks(tiled: TiledImage, needed: Box) -> dict[str, Array]:
    """Make the inputs that mask pixels outside the picture; none if they are not needed."""
    rows, columns = (
        ((pixels := np.arange(*span)) >= 0) & (pixels < length)
        for span, length in zip(needed, tiled.size_out, strict=True)
    )
    if not tiled.network.pads_with_zeros or (rows.all() and columns.all()):
        return {}
    masks = (rows[:, None].astype(np.float32), columns[None].astype(np.float32))
    return dict(zip(MASKS, masks, strict=True))


def _compute(
    graph: Run, tiled: TiledImage, tile: Box, needed: Box, masks: dict[str, Array]
) -> None:
    zeros_outside = not tiled.network.luma
    (down, vertical), (across, horizontal) = (
        interpolation(before, after, *span, zeros_outside=zeros_outside)
        for before, after, span in zip(tiled.size_in, tiled.size_out, needed, strict=True)
    )
    matrices = {ROWS: vertical, COLUMNS: np.ascontiguousarray(horizontal.T)}
    outputs = graph({CELLS: tiled.read(down, across), **matrices, **masks})
    tiled.place(outputs, choose_pixel_block(tiled.network), tile)
