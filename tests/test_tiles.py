"""Tiles against the plane that they cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from srcnn.geometry import Size
from srcnn.tiles import tiles

sizes = st.builds(Size, st.integers(1, 90), st.integers(1, 90))
sides = st.integers(1, 40)
halos = st.integers(0, 50)


@given(sizes, sides, halos)
def test_tiles_cover_the_plane_once(size: Size, side: int, halo: int) -> None:
    times = np.zeros(size, dtype=int)
    for tile in tiles(size, side, halo):
        times[tile.write] += 1
    assert (times == 1).all()


@given(sizes, sides, halos)
def test_what_is_read_is_the_tile_and_its_halo_cut_at_the_border(
    size: Size, side: int, halo: int
) -> None:
    for tile in tiles(size, side, halo):
        for read, write, length in zip(tile.read, tile.write, size, strict=True):
            assert read == slice(max(write.start - halo, 0), min(write.stop + halo, length))


@given(sizes, sides, halos)
def test_what_is_kept_of_what_is_read_is_the_tile(size: Size, side: int, halo: int) -> None:
    plane = np.arange(size.pixels).reshape(size)
    for tile in tiles(size, side, halo):
        assert np.array_equal(plane[tile.read][tile.keep], plane[tile.write])


@given(sizes, sides, halos)
def test_no_tile_is_larger_than_asked_for_nor_empty(size: Size, side: int, halo: int) -> None:
    for tile in tiles(size, side, halo):
        for axis in tile.write:
            assert 1 <= axis.stop - axis.start <= side


@given(sizes, halos)
def test_a_plane_that_fits_is_one_tile(size: Size, halo: int) -> None:
    whole = (slice(0, size.height), slice(0, size.width))
    (tile,) = tiles(size, max(size), halo)
    assert tile == (whole, whole, whole)


@given(sizes, st.integers(8, 40), st.integers(0, 4))
def test_a_neighbourhood_computed_by_tiles_is_that_of_the_whole(
    size: Size, side: int, reach: int
) -> None:
    plane = np.random.default_rng(0).integers(0, 100, size)

    def sums(block: np.ndarray) -> np.ndarray:
        padded = np.pad(block, reach)
        window = (2 * reach + 1, 2 * reach + 1)
        return np.lib.stride_tricks.sliding_window_view(padded, window).sum(axis=(2, 3))

    result = np.empty_like(plane)
    for tile in tiles(size, side, reach):
        result[tile.write] = sums(plane[tile.read])[tile.keep]
    assert np.array_equal(result, sums(plane))
