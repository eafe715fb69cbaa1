"""The quality of sources as users write it, and which of them count as without loss."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.source_quality import (
    AUTO,
    QUALITY_PATTERN,
    SourceQuality,
    is_clean,
    parse_source_quality,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", None),
        (" clean ", 100),
        ("100", 100),
        ("100.0", 100),
        ("1", 1),
        ("75", 75),
        ("87.5", 87.5),
        ("\t9 ", 9),
    ],
)
def test_words_and_numbers_are_read(text: str, expected: float | None) -> None:
    assert parse_source_quality(text) == SourceQuality(expected)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.5", "101", "100.1", "-5", "75%", "q75", "1e1", "Auto", "nan", "\uff17", "075"],
)
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source_quality(text)
    words = f"quality {text!r}: expected auto, clean, or a JPEG quality from 1 to 100"
    assert str(caught.value) == words


def test_a_long_text_is_cut() -> None:
    with pytest.raises(UsageError) as caught:
        parse_source_quality("9" * 5000)
    assert len(str(caught.value)) < 150


@given(st.one_of(st.none(), st.decimals(1, 100, places=3), st.floats(1, 100)))
@example(200 / 3)
def test_text_parses_back(number: float | None) -> None:
    quality = SourceQuality(None if number is None else float(number))
    assert parse_source_quality(str(quality)) == quality


@given(st.text("0123456789. ", max_size=6))
def test_the_schema_takes_what_the_parser_takes(text: str) -> None:
    matched = re.search(QUALITY_PATTERN, text) is not None
    try:
        found = parse_source_quality(text).given
    except UsageError:
        assert not matched
    else:
        assert matched
        assert found is not None
        assert 1 <= found <= 100


def test_auto_takes_what_is_found_and_a_given_one_wins() -> None:
    assert AUTO.choose(62.3) == 62.3
    assert SourceQuality(80).choose(62.3) == 80


def test_what_rounds_to_100_is_clean() -> None:
    assert [is_clean(quality) for quality in (100, 99, 98.75, 98.7, 97.5, 1)] == [
        *(True, True, True),
        *(False, False, False),
    ]
