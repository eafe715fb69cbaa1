"""Exact output sizes, and the float32 factor for ONNX."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from srcnn.errors import ImageError
from srcnn.geometry import (
    MAX_FACTOR,
    Box,
    Factor,
    PixelCount,
    Scale,
    Side,
    Size,
    Target,
    compute_output_size,
    compute_resize_scale,
    is_large_enough,
    make_resize_factor,
)
from srcnn.parse_scale import parse_scale, to_scale

SIDES: tuple[Side, ...] = ("width", "height", "longest", "shortest")
sides = st.sampled_from(SIDES)
sizes = st.builds(Size, st.integers(1, 20_000), st.integers(1, 20_000))
boxes = st.builds(Box, st.integers(1, 20_000), st.integers(1, 20_000))
pixel_counts = st.builds(PixelCount, st.integers(1, 10**9))
factors = st.decimals(1, 16, places=4).map(Fraction)


def factor(height: str, width: str | None = None) -> Factor:
    return Factor(Fraction(height), Fraction(width or height))


@pytest.mark.parametrize(
    ("pixels", "text", "expected"),
    [(40, "1.3", 52), (10, "1.1", 11), (100, "1.15", 115), (7, "2.5", 17), (3, "1.34", 4)],
)
def test_sizes_are_floored_in_decimal_and_not_in_binary(
    pixels: int, text: str, expected: int
) -> None:
    size = Size(pixels, pixels)
    assert compute_output_size(size, parse_scale(text)) == Size(expected, expected)
    assert compute_output_size(size, to_scale(float(text))) == Size(expected, expected)


@given(sizes, factors, factors)
def test_a_factor_gives_the_exact_floor(size: Size, height: Fraction, width: Fraction) -> None:
    result = compute_output_size(size, Factor(height, width))
    assert 0 <= size.height * height - result.height < 1
    assert 0 <= size.width * width - result.width < 1


@given(sizes, sides, st.integers(1, 320_000))
def test_a_target_is_met_to_the_pixel_and_keeps_the_aspect(
    size: Size, side: Side, pixels: int
) -> None:
    target = Target(side, pixels)
    now = {"width": size.width, "height": size.height, "longest": max(size), "shortest": min(size)}
    if pixels > MAX_FACTOR * now[side]:
        with pytest.raises(ImageError, match="largest factor is 16"):
            compute_output_size(size, target)
        return
    result = compute_output_size(size, target)
    if pixels <= now[side]:
        assert is_large_enough(size, target)
        assert result == size
        return
    assert not is_large_enough(size, target)
    then = {"width": result.width, "height": result.height}
    then |= {"longest": max(result), "shortest": min(result)}
    assert then[side] == pixels
    assert abs(result.height * size.width - result.width * size.height) < max(size)


@given(sizes, st.integers(1, 320_000), st.integers(1, 320_000))
def test_a_box_is_filled_on_one_side_and_never_exceeded(
    size: Size, height: int, width: int
) -> None:
    result = Box(height, width).fit(size)
    assert result.height <= height
    assert result.width <= width
    assert result.height == height or result.width == width
    assert_aspect_is_kept(size, result)


@given(sizes, st.integers(1, 10**9))
@example(Size(4_000, 3_000), 4_000_000)
@example(Size(20_000, 1), 100)
def test_a_number_of_pixels_is_not_exceeded_and_one_more_on_each_side_would(
    size: Size, pixels: int
) -> None:
    result = PixelCount(pixels).fit(size)
    assert result.pixels <= pixels
    assert (result.height + 1) * (result.width + 1) > pixels
    if min(result) > 1:
        assert_aspect_is_kept(size, result)


def assert_aspect_is_kept(size: Size, result: Size) -> None:
    """Some factor gives both sides, rounded down, but for sides that would have no pixel."""
    lowest = max(Fraction(after, before) for before, after in zip(size, result, strict=True))
    if min(result) > 1:
        assert all(lowest * before < after + 1 for before, after in zip(size, result, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("box=1200x1200", Size(900, 1200)),
        ("box=1200x600", Size(600, 800)),
        ("box=800x1200", Size(600, 800)),
        ("megapixels=4", Size(1732, 2309)),
        ("megapixels=0.48", Size(600, 800)),
        ("shortest=300", Size(300, 400)),
    ],
)
def test_targets_of_shops(text: str, expected: Size) -> None:
    target = parse_scale(text)
    assert compute_output_size(Size(600, 800), target, may_shrink=True) == expected
    assert is_large_enough(expected, target)  # or each run would enlarge its result again


@given(sizes, st.one_of(st.builds(Target, sides, st.integers(1, 20_000)), boxes, pixel_counts))
def test_a_target_may_shrink_and_a_result_at_its_target_is_large_enough(
    size: Size, target: Scale
) -> None:
    try:
        result = compute_output_size(size, target, may_shrink=True)
    except ImageError:
        return
    assert min(result) >= 1
    if is_large_enough(size, target):
        assert compute_output_size(size, target) == size
        assert result.height <= size.height
        assert result.width <= size.width
    else:
        assert compute_output_size(size, target) == result
        assert result.pixels > size.pixels
    if isinstance(target, PixelCount):
        assert target.fit(result).pixels <= target.pixels


def test_a_factor_is_never_large_enough() -> None:
    assert not is_large_enough(Size(10, 10), factor("1"))


@given(sizes)
def test_the_factor_one_keeps_the_size(size: Size) -> None:
    assert compute_output_size(size, factor("1")) == size


@given(st.integers(1, 20_000), st.data())
def test_the_scale_fed_to_resize_makes_exactly_the_pixels(before: int, data: st.DataObject) -> None:
    after = data.draw(st.integers(before, MAX_FACTOR * before))
    scale = compute_resize_scale(before, after)
    assert scale.dtype == np.float32
    assert int(np.float32(before) * scale) == after


@pytest.mark.parametrize("before", [1, 3, 7, 41, 49, 123, 997, 4095, 19_999])
def test_the_scale_is_exact_for_every_reachable_size(before: int) -> None:
    wrong = [
        after
        for after in range(before, MAX_FACTOR * before + 1, max(1, before // 97))
        if int(np.float32(before) * compute_resize_scale(before, after)) != after
    ]
    assert not wrong


@given(sizes, factors)
def test_the_graph_makes_the_size_that_was_planned(size: Size, value: Fraction) -> None:
    planned = compute_output_size(size, Factor(value, value))
    fed = make_resize_factor(size, planned)
    assert fed.dtype == np.float32
    assert fed[:2].tolist() == [1, 1]
    made = np.floor(np.float32([size.height, size.width]) * fed[2:])
    assert made.tolist() == list(planned)
