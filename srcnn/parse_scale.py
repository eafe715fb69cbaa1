"""Scales as users write them: factors, and targets in pixels."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import get_args

from srcnn.errors import UsageError
from srcnn.geometry import (
    MAX_FACTOR,
    MIN_FACTOR,
    Box,
    Factor,
    PixelCount,
    Scale,
    Side,
    Target,
    format_decimal,
)

SCALE_HELP = (
    "a factor (3, 2.5), height by width (2x3), or a target in pixels "
    "(width=1920, height=1080, longest=1920, shortest=1080, box=1200x800, megapixels=4)"
)
# Bounded, so that no text is expensive to parse. 25 decimals are enough for every float from
# 1 to 16 as Python prints it, and products with a size stay exact.
_NUMBER = r"[0-9]{1,9}(\.[0-9]{1,25})?"
_SIDES = "width|height|longest|shortest"
_PIXELS = r"[0-9]{1,9}"
_TARGET = rf"({_SIDES})={_PIXELS}|box={_PIXELS}x{_PIXELS}|megapixels={_NUMBER}"
_FORM = rf"({_NUMBER}(x{_NUMBER})?|{_TARGET})"
_BOUNDED = r"(16(\.0{1,25})?|(1[0-5]|[1-9])(\.[0-9]{1,25})?)"
_SOME_PIXELS = "[1-9][0-9]{0,8}"
# At least 0.000001, which is one pixel.
_SOME_MEGAPIXELS = r"([1-9][0-9]{0,8}(\.[0-9]{1,25})?|0\.0{0,5}[1-9][0-9]{0,19})"
_SOME_TARGET = (
    rf"({_SIDES})={_SOME_PIXELS}|box={_SOME_PIXELS}x{_SOME_PIXELS}|megapixels={_SOME_MEGAPIXELS}"
)
# For JSON schemas, which are validated before our code runs.
SCALE_PATTERN = rf"^\s*({_BOUNDED}(x{_BOUNDED})?|{_SOME_TARGET})\s*$"
FACTOR_PATTERN = rf"^\s*{_BOUNDED}(x{_BOUNDED})?\s*$"
_MOST_SHOWN = 60  # characters of an invalid scale in an error message


def _parse_factor(text: str, whole: str) -> Fraction:
    value = Fraction(text)
    if not MIN_FACTOR <= value <= MAX_FACTOR:
        raise UsageError(
            f"scale {whole!r}: expected a factor from {MIN_FACTOR} to {MAX_FACTOR}, got "
            f"{text}{_suggest_pixels(text, whole)}"
        )
    return value


def _suggest_pixels(text: str, whole: str) -> str:
    """Return the target that numbers of more than one digit more likely are; or nothing."""
    if re.fullmatch(r"[1-9][0-9]{2,8}x[1-9][0-9]{2,8}", whole):
        return f"; in pixels, type box={whole} (width by height)"
    return f"; in pixels, type longest={text}" if re.fullmatch(r"[1-9][0-9]{2,8}", text) else ""


def _suggest(text: str) -> str:
    """Return what a scale in another spelling (200%, x2, 2X3, 1920px) could mean; or nothing."""
    plain = re.sub(r"[\xd7*]", "x", re.sub(r"\s", "", text[:_MOST_SHOWN].lower()))
    percent = re.fullmatch(r"([0-9]{3,4})%", plain)
    if percent:
        plain = format_decimal(Fraction(percent[1]) / 100)
    plain = re.sub(r"(?<=[0-9]),(?=[0-9])", ".", plain)
    plain = re.sub(rf"^(?:x({_NUMBER})|({_NUMBER})x)$", r"\1\3", plain)
    plain = re.sub(r"^(?:box[:=]?)?([0-9]+)(?:px)?x([0-9]+)px$", r"box=\1x\2", plain)
    plain = re.sub(rf"^(?:megapixels:)?({_NUMBER})(?:mp|mpx|megapixels)?$", _name_area, plain)
    plain = re.sub(rf"^(?:({_SIDES})[:=]?)?([0-9]+)px$", _name_side, plain)
    plain = re.sub(rf"^({_SIDES}|box|megapixels):?([0-9.x]+)$", r"\1=\2", plain)
    return f"; did you mean {plain}?" if re.match(SCALE_PATTERN, plain) else ""


def _name_side(match: re.Match[str]) -> str:
    return f"{match[1] or 'longest'}={match[2]}"


def _name_area(match: re.Match[str]) -> str:
    return match[0] if match[0] == match[1] else f"megapixels={match[1]}"


def parse_scale(text: str) -> Scale:
    """Parse a scale as users write it.

    Args:
        text: `3`, `2.5`, `2x3` (height by width), or `width=1920`, and in the same way
            `height=`, `longest=` or `shortest=` with a number of pixels, `box=1200x800` (width by
            height), or `megapixels=4`.

    Raises:
        UsageError: the text has none of these forms, or a factor is outside 1 to 16.
    """
    stripped = text.strip()
    if not re.fullmatch(_FORM, stripped, flags=re.ASCII):
        raise UsageError(f"scale {text[:_MOST_SHOWN]!r}: expected {SCALE_HELP}{_suggest(stripped)}")
    if "=" in stripped:
        return _parse_target(text, *stripped.split("="))
    height, _, width = stripped.partition("x")
    vertical, horizontal = (_parse_factor(axis, stripped) for axis in (height, width or height))
    return Factor(vertical, horizontal, given=text)


def _parse_target(text: str, kind: str, value: str) -> Scale:
    if kind == "megapixels":
        pixels = int(Fraction(value) * 1_000_000)
        if pixels < 1:
            raise UsageError(f"scale {text!r}: expected at least one pixel, megapixels=0.000001")
        return PixelCount(pixels, given=text)
    lengths = [int(length) for length in value.split("x")]
    if min(lengths) < 1:
        raise UsageError(f"scale {text!r}: a side must have at least 1 pixel")
    if kind == "box":
        return Box(lengths[1], lengths[0], given=text)
    known = next(name for name in get_args(Side) if name == kind)
    return Target(known, lengths[0], given=text)


def to_scale(value: float | str | tuple[float, float] | Scale) -> Scale:
    """Convert what Python callers pass: a number, a pair (height, width), or text.

    Raises:
        UsageError: the value is not a valid scale; see `parse_scale`.
    """
    if isinstance(value, Scale):
        return value
    if isinstance(value, tuple):
        if len(value) != 2:  # noqa: PLR2004 - height, width
            raise UsageError(f"scale {value!r}: expected a pair (height, width)")
        return parse_scale("x".join(str(axis) for axis in value))
    return parse_scale(str(value))
