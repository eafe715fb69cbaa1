"""Seconds, bytes and ranges, as people read them."""

import pytest

from srcnn.amounts import format_bytes, format_range, format_seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.24, "4.2 s"), (95.4, "95 s"), (780, "13 min"), (7300, "2.0 h")],
)
def test_seconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999.4, "999 bytes"),
        (999.6, "1.0 kB"),
        (4.2e6, "4.2 MB"),
        (1.3e19, "13000 PB"),
    ],
)
def test_bytes(count: float, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(720, 900, "12 to 15 min"), (95, 130, "95 s to 2.2 min"), (12.1, 12.2, "about 12 s")],
)
def test_ranges(low: float, high: float, text: str) -> None:
    assert format_range(low, high, format_seconds) == text
