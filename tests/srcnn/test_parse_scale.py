"""Scales as users write them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.geometry import Box, Factor, PixelCount, Target
from srcnn.parse_scale import parse_scale, to_scale


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
        ("box=1200x800", Box(height=800, width=1200)),
        ("megapixels=4", PixelCount(4_000_000)),
        ("megapixels=0.3", PixelCount(300_000)),
        ("megapixels=1.0000019", PixelCount(1_000_001)),
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
        *("box=1200", "box=0x5", "box=5x0", "box=5x5x5", "box=1.5x2", "box=5x", "box=5 x 5"),
        *("megapixels=0", "megapixels=0.0000009", "megapixels=4x4", "megapixels=.5"),
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
        *(("1200x800px", "box=1200x800"), ("box:1200x800", "box=1200x800")),
        *(("4mp", "megapixels=4"), ("0.5 MP", "megapixels=0.5"), ("megapixels:4", "megapixels=4")),
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
        parse_scale("1920")
    with pytest.raises(UsageError, match=r"; in pixels, type box=1920x1080 \(width by height\)$"):
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
    texts += ["box=1200x800", "megapixels=4", "megapixels=0.3", "megapixels=1.000001"]
    assert [str(parse_scale(text)) for text in texts] == texts
    assert str(parse_scale("3.00x3")) == "3"


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
