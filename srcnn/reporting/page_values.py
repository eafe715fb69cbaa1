"""Values as the page of a run shows them: numbers, durations, options, pictures, and its bar."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from srcnn.printable_text import one_line, shorten
from srcnn.reporting.summary import Summary

_LONGEST_VALUE = 300
BAR_LENGTH = 1000
_LEAST_LENGTH = 6  # so that one image of 100,000 is seen
_MINUTE_SECONDS = 60


@dataclass(frozen=True)
class BarPart:
    """A part of the bar that shows what became of the images.

    Attributes:
        name: written, skipped, failed or idle.
        start: where it begins, of BAR_LENGTH.
        length: of BAR_LENGTH.
    """

    name: str
    start: float
    length: float


def make_visible(value: object) -> object:
    """Return a value as the template shows it: text as one visible line, markup as it is."""
    is_plain = isinstance(value, str) and not hasattr(value, "__html__")
    return one_line(str(value)) if is_plain else value


def draw_bar(summary: Summary) -> list[BarPart]:
    """Return the parts of the bar; none is too short to be seen."""
    counts = summary.counts
    amounts = {
        "written": counts["written"],
        "skipped": counts["skipped"],
        "failed": counts["failed"] - summary.not_attempted,
        "idle": summary.not_attempted,
    }
    return list(_place({name: amount for name, amount in amounts.items() if amount}))


def _place(amounts: dict[str, int]) -> Iterator[BarPart]:
    total = sum(amounts.values())
    lengths = {name: max(_LEAST_LENGTH, BAR_LENGTH * n / total) for name, n in amounts.items()}
    stretch, start = BAR_LENGTH / sum(lengths.values()) if lengths else 1.0, 0.0
    for name, length in lengths.items():
        yield BarPart(name, start, length * stretch)
        start += length * stretch


def format_count(number: int) -> str:
    """Format 1234567 as 1,234,567."""
    return f"{number:,}"


def format_decimals(number: float, digits: int = 1) -> str:
    """Format with a fixed number of decimals."""
    return f"{number:,.{digits}f}"


def format_duration(seconds: float) -> str:
    """Format as 1.2 s, 3 min 4 s or 5 h 6 min."""
    if seconds < _MINUTE_SECONDS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_SECONDS)
    hours, minutes = divmod(minutes, _MINUTE_SECONDS)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def format_time(moment: datetime) -> str:
    """Format to the second, in UTC as the report has it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def format_name(text: str) -> str:
    """Format the name of a file, or a message that may repeat one; a long one is cut."""
    return shorten(one_line(text), _LONGEST_VALUE)


def format_option(value: object) -> str:
    """Format an option's value; a long list is cut."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_name(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def encode_base64(content: bytes) -> str:
    """Encode bytes for a `data:` URI."""
    return base64.b64encode(content).decode()


Filter: TypeAlias = Callable[..., Any]
FILTERS: dict[str, Filter] = {
    "count": format_count,
    "decimals": format_decimals,
    "duration": format_duration,
    "time": format_time,
    "name": format_name,
    "option": format_option,
    "base64": encode_base64,
}
