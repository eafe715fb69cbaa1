"""Seconds and bytes, and ranges of them, as people read them."""

from __future__ import annotations

from collections.abc import Callable

_MINUTE, _HOUR = 60, 3600
_DETAILED = 10  # below, a digit after the point is of use
_THOUSAND = 1000
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def format_seconds(seconds: float) -> str:
    """Return a duration such as `4.2 s`, `95 s`, `13 min` or `2.5 h`.

    Args:
        seconds: 0 or more.
    """
    if seconds < 2 * _MINUTE:
        return f"{_round(seconds)} s"
    if seconds < 2 * _HOUR:
        return f"{_round(seconds / _MINUTE)} min"
    return f"{_round(seconds / _HOUR)} h"


def format_bytes(count: float) -> str:
    """Return a size such as `940 bytes`, `4.2 MB` or `13 GB`, by powers of 1000.

    Args:
        count: 0 or more.
    """
    power = 0
    while round(count) >= _THOUSAND and power < len(_UNITS) - 1:
        count, power = count / _THOUSAND, power + 1
    return f"{_round(count) if power else round(count)} {_UNITS[power]}"


def format_range(low: float, high: float, form: Callable[[float], str]) -> str:
    """Return a range such as `12 to 15 min`; one value if both ends read the same.

    Args:
        low: its lower end.
        high: its upper end.
        form: formats one value, a number and a unit.
    """
    first, last = form(low), form(high)
    if first == last:
        return f"about {last}"
    number, unit = first.rsplit(" ", 1)
    return f"{number if last.endswith(f' {unit}') else first} to {last}"


def _round(value: float) -> str:
    return f"{value:.1f}" if value < _DETAILED else f"{value:.0f}"
