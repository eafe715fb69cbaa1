"""Numbers of XMP: XMP part 1, section 8.2.1."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from srcnn.images.xmp_elements import Field

_LARGEST = 1e9  # no picture has as many pixels on a side


def parse_number(text: str) -> float:
    """Parse a number; raises `ValueError` if it is none, not finite or larger than any place."""
    number = float(text)
    if not isfinite(number) or abs(number) > _LARGEST:
        raise ValueError
    return number


def format_number(number: float) -> str:
    """Format a number without an exponent, which XMP does not have."""
    rounded = round(number, 8) + 0.0  # which makes -0.0 a zero
    return f"{rounded:.8f}".rstrip("0").rstrip(".")


def write_numbers(fields: Mapping[str, Field], numbers: Mapping[str, float]) -> None:
    """Write numbers into the fields of the same names."""
    for name, number in numbers.items():
        fields[name].write(format_number(number))
