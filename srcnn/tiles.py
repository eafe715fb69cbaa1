"""Tiles: how a plane is cut so that every part can be computed alone, without a seam.

Integer geometry only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from srcnn.geometry import Size


class Tile(NamedTuple):
    """One tile of a plane, half-open boxes in pixels.

    Attributes:
        read: rows and columns to compute on: the tile and the halo around it, cut at the
            plane's border (where the network's own zero padding belongs).
        write: rows and columns of the plane that this tile gives.
        keep: `write` as seen from the corner of `read`.
    """

    read: tuple[slice, slice]
    write: tuple[slice, slice]
    keep: tuple[slice, slice]


def _spans(length: int, tile_px: int, halo_px: int) -> Iterator[tuple[slice, slice, slice]]:
    for start in range(0, length, tile_px):
        stop = min(start + tile_px, length)
        first = max(start - halo_px, 0)
        last = min(stop + halo_px, length)
        yield slice(first, last), slice(start, stop), slice(start - first, stop - first)


def tiles(size: Size, tile_px: int, halo_px: int) -> Iterator[Tile]:
    """Cut a plane into tiles that cover it once, row by row.

    Args:
        size: of the plane.
        tile_px: side of a tile without its halo.
        halo_px: how far an output pixel sees around itself.
    """
    for rows in _spans(size.height, tile_px, halo_px):
        for columns in _spans(size.width, tile_px, halo_px):
            yield Tile(*zip(rows, columns, strict=True))
