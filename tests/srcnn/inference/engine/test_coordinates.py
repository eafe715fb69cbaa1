"""Taps, tiles and phases: the geometry of exact tiles, one axis at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.inference.engine.bicubic import (
    compute_input_weights,
    compute_positions,
    cubic,
    interpolation,
    make_phase_matrix,
)
from srcnn.inference.engine.phase_groups import compose_weights, group_phases, list_later_weights
from srcnn.inference.engine.tiling import cut_range, extend_range

lengths = st.integers(1, 60)
factors = st.integers(1, 8)


def test_the_kernel_is_that_of_keys() -> None:
    assert cubic(np.array([0, 1, -1, 2, -2, 5])).tolist() == [1, 0, 0, 0, 0, 0]
    # (a + 2)t^3 - (a + 3)t^2 + 1 and a(t^3 - 5t^2 + 8t - 4), at a = -0.75.
    assert cubic(np.array([0.5, 1.5])) == pytest.approx([0.59375, -0.09375])


@given(st.floats(0, 1))
def test_four_taps_sum_to_one(fraction: float) -> None:
    assert cubic(fraction - np.arange(-1, 3)).sum() == pytest.approx(1)


def test_positions_are_half_pixel() -> None:
    assert compute_positions(2, 4, np.arange(4)).tolist() == [-0.25, 0.25, 0.75, 1.25]
    far = compute_positions(100_000, 300_000, np.array([299_999]))
    assert far[0] == pytest.approx(99_999 + 1 / 3, abs=1e-10)


@pytest.mark.parametrize("zeros_outside", [True, False])
@given(before=lengths, more=lengths, data=st.data())
def test_a_part_of_the_matrix_is_that_part_of_the_whole(
    before: int, more: int, data: st.DataObject, *, zeros_outside: bool
) -> None:
    after = before + more - 1
    first = data.draw(st.integers(-10, after))
    stop = data.draw(st.integers(first + 1, after + 11))
    whole = np.zeros((after, before))
    sources, matrix = interpolation(before, after, 0, after)
    whole[:, slice(*sources)] = matrix
    sources, matrix = interpolation(before, after, first, stop, zeros_outside=zeros_outside)
    for row, output in zip(matrix, range(first, stop), strict=True):
        expected = whole[min(max(output, 0), after - 1), slice(*sources)]
        is_zero = zeros_outside and not 0 <= output < after
        assert np.array_equal(row, np.zeros_like(row) if is_zero else expected)


@given(lengths, lengths)
def test_a_constant_stays_and_weights_sum_to_one(before: int, more: int) -> None:
    after = before + more - 1
    _, matrix = interpolation(before, after, 0, after)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(after), abs=1e-6)
    weights = compute_input_weights(before, after)
    assert len(weights) == before
    assert weights.sum() == pytest.approx(1)
    sources, matrix = interpolation(before, after, 0, after)
    assert weights[slice(*sources)] == pytest.approx(matrix.mean(axis=0), abs=1e-6)


@given(st.integers(0, 50), st.integers(1, 900), st.integers(16, 300), st.sampled_from([1, 2, 3, 4]))
def test_parts_cover_a_range_once_and_are_nearly_equal(
    start: int, length: int, tile: int, step: int
) -> None:
    parts = cut_range(start, start + length, tile, step)
    assert [a for a, _ in parts] == [start, *(b for _, b in parts[:-1])]
    assert parts[-1][1] == start + length
    sizes = [b - a for a, b in parts]
    assert max(sizes) <= tile + step - 1
    assert all(size % step == 0 for size in sizes[:-1])
    assert min(sizes) > min(tile // 2, length) - step


@given(st.integers(1, 500), st.integers(32, 100), st.integers(0, 9), st.sampled_from([1, 2, 4]))
def test_a_part_is_extended_by_whole_blocks_and_what_is_reached(
    length: int, tile: int, reach: int, block: int
) -> None:
    for start, stop in cut_range(0, length, tile, block):
        first, last = extend_range(start, stop, reach, block)
        computed = last - first - 2 * reach
        assert first == start - reach
        assert computed % block == 0
        assert 0 <= computed - (stop - start) < block


@given(st.integers(1, 8), st.integers(1, 12), st.integers(-6, -2), st.integers(2, 6))
def test_the_matrix_of_whole_cells_is_a_part_of_any_other(
    factor: int, cells: int, before: int, after: int
) -> None:
    around = 8  # cells of a larger picture to each side
    length = cells + 2 * around
    first = around * factor
    sources, matrix = interpolation(length, length * factor, first, first + cells * factor)
    expected = np.zeros((cells * factor, length))
    expected[:, slice(*sources)] = matrix
    found = make_phase_matrix(factor, cells, before, after)
    there = slice(around + before, around + cells + after)
    assert found == pytest.approx(expected[:, there], abs=1e-6)
    assert expected[:, there].sum() == pytest.approx(expected.sum())


@given(factors, st.integers(0, 5), st.data())
def test_composed_weights_are_the_cubic_at_each_pixel(
    factor: int, reach: int, data: st.DataObject
) -> None:
    phase = data.draw(st.integers(0, factor - 1))
    low, weights = compose_weights(factor, phase, reach)
    cells = 40
    middle = cells // 2 * factor + phase
    sources, matrix = interpolation(cells, cells * factor, middle - reach, middle + reach + 1)
    expected = np.zeros((2 * reach + 1, cells))
    expected[:, slice(*sources)] = matrix
    found = np.zeros_like(expected)
    found[:, cells // 2 + low : cells // 2 + low + weights.shape[1]] = weights
    assert found == pytest.approx(expected, abs=1e-6)
    assert (abs(weights) > 1e-12).any(axis=0).all(), "a cell without weight costs time"


@given(factors, st.integers(0, 5), st.integers(0, 4))
def test_every_weight_of_the_last_convolution_is_used_once_for_each_phase(
    factor: int, reach: int, later_reach: int
) -> None:
    groups = group_phases(factor, reach, later_reach)
    assert sorted(phase for group in groups for phase in group.phases) == list(range(factor))
    used = [
        (output, weight)
        for group in groups
        for output, index, cell, weight in list_later_weights(group, factor, later_reach)
        if group.phases[index] + (cell + group.later_low) * factor == output + weight - later_reach
    ]
    assert sorted(used) == [
        (output, weight) for output in range(factor) for weight in range(2 * later_reach + 1)
    ]


def test_at_factor_four_the_phases_of_each_half_are_grouped() -> None:
    """This makes x4 fast: six cells instead of nine pixels, and two groups per axis."""
    assert [group.phases for group in group_phases(4, 4, 2)] == [(0, 1), (2, 3)]
    assert [group.high - group.low + 1 for group in group_phases(4, 4, 2)] == [6, 6]
