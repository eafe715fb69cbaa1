"""Scales as users write them, exact output sizes, and the float32 factor for ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from srcnn.errors import ImageError, UsageError
from srcnn.geometry import (
    MAX_FACTOR,
    Factor,
    Side,
    Size,
    Target,
    compute_output_size,
    compute_resize_scale,
    is_large_enough,
    make_resize_factor,
    parse_scale,
    to_scale,
)

SIDES: tuple[Side, ...] = ("width", "height", "longest", "shortest")
sides = st.sampled_from(SIDES)
sizes = st.builds(Size, st.integers(1, 20_000), st.integers(1, 20_000))
factors = st.decimals(1, 16, places=4).map(Fraction)


def factor(height: str, width: str | None = None) -> Factor:
    return Factor(Fraction(height), Fraction(width or height))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", factor("3")),
        ("2.5", factor("2.5")),
        ("1.3", factor("1.3")),
        ("2x3", factor("2", "3")),
        ("1.25x16", factor("1.25", "16")),
        ("1", factor("1")),
        ("16", factor("16")),
        ("03", factor("3")),
        (" 2 ", factor("2")),
        ("width=1920", Target("width", 1920)),
        ("height=1", Target("height", 1)),
        ("longest=100", Target("longest", 100)),
        ("shortest=20000", Target("shortest", 20_000)),
    ],
)
def test_scales_as_users_write_them_are_parsed(text: str, expected: object) -> None:
    assert parse_scale(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "2x", "x2", "2x2x2", "2 x 3", "2X3", "2,5", "1/2", "3/2", ".5", "2."),
        *("nan", "inf", "-inf", "-1", "+2", "0", "0.99", "16.0001", "17", "2x17", "0x2", "1e3"),
        *("1_0", "0x10", "0b11", "2\x00", "2\n3", "٣", "\uff12", "²", "Ⅲ", "\uff12x\uff12"),
        *("width=", "width=0", "width=-5", "width=1.5", "width=1e3", "depth=3", "Width=10"),
        *("width=\uff11\uff10", "=10", "width=10x10", "width==10", "longest=1920px"),
        *("9" * 5_000, "1." + "3" * 100_000, "9" * 5_000 + "x2", "width=" + "9" * 5_000),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="scale"):
        parse_scale(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(("200%", "2"), ("150%", "1.5"), ("x2", "2"), ("2x", "2"), ("\xd74", "4")),
        *(("2X3", "2x3"), ("2 x 3", "2x3"), ("2*3", "2x3"), ("2,5", "2.5")),
        *(("1920px", "longest=1920"), ("width=1920 px", "width=1920"), ("Height:80", "height=80")),
    ],
)
def test_another_spelling_is_answered_with_ours(text: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"; did you mean {meant}\?$"):
        parse_scale(text)
    parse_scale(meant)


@pytest.mark.parametrize("text", ["huge", "50%", "x17", "depth=3px", "2x3x", "", "9%", "x2x"])
def test_nothing_is_guessed_where_nothing_is_meant(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_scale(text)
    assert "did you mean" not in str(caught.value)


def test_a_length_taken_for_a_factor_is_answered_with_a_target() -> None:
    with pytest.raises(UsageError, match=r"got 1920; in pixels, type longest=1920$"):
        parse_scale("1920x1080")


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    try:
        scale = parse_scale(text)
    except UsageError:
        return
    assert parse_scale(str(scale)) == scale


@given(st.decimals(1, 16, places=15), st.decimals(1, 16, places=2))
@example("1.000000000000001", "1")
@example("1.29999999999999999999", "1.3")
@example("15.9999999999999999999", "16")
def test_the_text_of_a_factor_parses_back_to_it(height: object, width: object) -> None:
    scale = parse_scale(f"{height}x{width}")
    assert parse_scale(str(scale)) == scale


def test_the_text_of_a_scale_is_as_short_as_people_write_it() -> None:
    texts = ["3", "2.5", "1.3", "2x3", "10", "16x1.05", "width=1920"]
    assert [str(parse_scale(text)) for text in texts] == texts
    assert str(parse_scale("3.00x3")) == "3"


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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, factor("2")),
        (2.5, factor("2.5")),
        (1.3, factor("1.3")),
        (16.0, factor("16")),
        (np.float32(1.3), factor("1.3")),
        (np.float64(2.25), factor("2.25")),
        (np.int64(3), factor("3")),
        ("2x3", factor("2", "3")),
        ((2, 3), factor("2", "3")),
        ((1.5, np.float32(1.1)), factor("1.5", "1.1")),
        ("longest=9", Target("longest", 9)),
        (Target("width", 9), Target("width", 9)),
        (factor("4"), factor("4")),
    ],
)
def test_scales_as_python_callers_write_them_are_parsed(value: float, expected: object) -> None:
    assert to_scale(value) == expected


_FORMS = r"expected a factor \(3, 2\.5\), height by width \(2x3\), or a target in pixels"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0, 0.5, 17, 1e3), "expected a factor from 1 to 16, got "),
        ((-1, float("nan"), float("inf"), 1e-7, True, None, "", b"2", [2, 3]), _FORMS),
        (((2, float("nan")), ("width=3", 2)), _FORMS),
        (((), (2,), (2, 3, 4), ("2x3",)), r"expected a pair \(height, width\)"),
    ],
)
def test_what_is_no_scale_is_a_usage_error(values: Sequence[float], words: str) -> None:
    for value in values:
        with pytest.raises(UsageError, match=words):
            to_scale(value)


@given(st.floats(1, 16))
def test_every_float_in_range_is_a_scale(value: float) -> None:
    scale = to_scale(value)
    assert isinstance(scale, Factor)
    assert float(scale.height) == value
