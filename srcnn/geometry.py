"""Factors, targets and output sizes, in exact arithmetic.

Independent of images, files and options, except for the text form of a scale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from srcnn.errors import UnreachableTargetError, UsageError

MIN_FACTOR = 1
MAX_FACTOR = 16

SCALE_HELP = (
    "a factor (3, 2.5), height by width (2x3), or a target in pixels "
    "(width=1920, height=1080, longest=1920, shortest=1080)"
)
# Bounded, so that no text is expensive to parse. 25 decimals are enough for every float from
# 1 to 16 as Python prints it, and products with a size stay exact.
_NUMBER = r"[0-9]{1,9}(\.[0-9]{1,25})?"
_SIDES = "width|height|longest|shortest"
_FORM = rf"({_NUMBER}(x{_NUMBER})?|({_SIDES})=[0-9]{{1,9}})"
_BOUNDED = r"(16(\.0{1,25})?|(1[0-5]|[1-9])(\.[0-9]{1,25})?)"
# For JSON schemas, which are validated before our code runs.
SCALE_PATTERN = rf"^\s*({_BOUNDED}(x{_BOUNDED})?|({_SIDES})=[1-9][0-9]{{0,8}})\s*$"
_PIXELS = re.compile(r"[1-9][0-9]{2,8}")  # more likely a length than a factor
FACTOR_PATTERN = rf"^\s*{_BOUNDED}(x{_BOUNDED})?\s*$"
_MOST_SHOWN = 60  # characters of an invalid scale in an error message

Side = Literal["width", "height", "longest", "shortest"]


class Size(NamedTuple):
    """Height and width in pixels."""

    height: int
    width: int

    @property
    def pixels(self) -> int:
        """The number of pixels: height times width."""
        return self.height * self.width

    def __str__(self) -> str:
        """Format as width x height, as picture sizes are usually written."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Factor:
    """Enlarge by one factor per axis.

    Attributes:
        height: exact factor for the height, 1 to 16.
        width: exact factor for the width, 1 to 16.
        given: the text that it was parsed from, if any.
    """

    height: Fraction
    width: Fraction
    given: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        """Format as text that parses back to this factor."""
        height, width = _format_decimal(self.height), _format_decimal(self.width)
        return height if height == width else f"{height}x{width}"


@dataclass(frozen=True)
class Target:
    """Enlarge until one side has a given number of pixels, keeping the aspect ratio.

    Attributes:
        side: the side that is measured.
        pixels: length of that side in the result.
        given: the text that it was parsed from, if any.
    """

    side: Side
    pixels: int
    given: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        """Format as text that parses back to this target."""
        return f"{self.side}={self.pixels}"

    def compute_factor(self, size: Size) -> Fraction:
        """Compute the exact factor from `size` to this target; 1 or less if already reached."""
        longest, shortest = max(size), min(size)
        current = {
            "width": size.width,
            "height": size.height,
            "longest": longest,
            "shortest": shortest,
        }[self.side]
        return Fraction(self.pixels, current)


Scale: TypeAlias = Factor | Target


def _format_decimal(value: Fraction) -> str:
    # Not through float: 1.0000000000000000001 would become 1.
    return f"{Decimal(value.numerator) / value.denominator:.25f}".rstrip("0").rstrip(".")


def _parse_factor(text: str, whole: str) -> Fraction:
    value = Fraction(text)
    if not MIN_FACTOR <= value <= MAX_FACTOR:
        pixels = "; in pixels, type longest=" + text if _PIXELS.fullmatch(text) else ""
        raise UsageError(
            f"scale {whole!r}: expected a factor from {MIN_FACTOR} to {MAX_FACTOR}, got "
            f"{text}{pixels}"
        )
    return value


def _suggest(text: str) -> str:
    """Return what a scale in another spelling (200%, x2, 2X3, 1920px) could mean; or nothing."""
    plain = re.sub(r"[\xd7*]", "x", re.sub(r"\s", "", text[:_MOST_SHOWN].lower()))
    percent = re.fullmatch(r"([0-9]{3,4})%", plain)
    if percent:
        plain = _format_decimal(Fraction(percent[1]) / 100)
    plain = re.sub(r"(?<=[0-9]),(?=[0-9])", ".", plain)
    plain = re.sub(rf"^(?:x({_NUMBER})|({_NUMBER})x)$", r"\1\3", plain)
    plain = re.sub(rf"^(?:({_SIDES})[:=]?)?([0-9]+)px$", _name_side, plain)
    plain = re.sub(rf"^({_SIDES}):?([0-9]+)$", r"\1=\2", plain)
    return f"; did you mean {plain}?" if re.match(SCALE_PATTERN, plain) else ""


def _name_side(match: re.Match[str]) -> str:
    return f"{match[1] or 'longest'}={match[2]}"


def parse_scale(text: str) -> Scale:
    """Parse a scale as users write it.

    Args:
        text: `3`, `2.5`, `2x3` (height by width), or `width=1920`, and in the same way
            `height=`, `longest=` or `shortest=` with a number of pixels.

    Raises:
        UsageError: the text has none of these forms, or a factor is outside 1 to 16.
    """
    stripped = text.strip()
    if not re.fullmatch(_FORM, stripped, flags=re.ASCII):
        raise UsageError(f"scale {text[:_MOST_SHOWN]!r}: expected {SCALE_HELP}{_suggest(stripped)}")
    if "=" in stripped:
        side, _, pixels = stripped.partition("=")
        if int(pixels) < 1:
            raise UsageError(f"scale {text!r}: a side must have at least 1 pixel")
        known = next(name for name in get_args(Side) if name == side)
        return Target(known, int(pixels), given=text)
    height, _, width = stripped.partition("x")
    vertical, horizontal = (_parse_factor(axis, stripped) for axis in (height, width or height))
    return Factor(vertical, horizontal, given=text)


def to_scale(value: float | str | tuple[float, float] | Scale) -> Scale:
    """Convert what Python callers pass: a number, a pair (height, width), or text.

    Raises:
        UsageError: the value is not a valid scale; see `parse_scale`.
    """
    if isinstance(value, Factor | Target):
        return value
    if isinstance(value, tuple):
        if len(value) != 2:  # noqa: PLR2004 - height, width
            raise UsageError(f"scale {value!r}: expected a pair (height, width)")
        return parse_scale("x".join(str(axis) for axis in value))
    return parse_scale(str(value))


def compute_output_size(size: Size, scale: Scale) -> Size:
    """Compute the size of the result.

    For a factor it is floor(size x factor) in exact arithmetic. A target is met to the pixel.
    An image that already meets its target keeps its size: no image is made smaller.

    Args:
        size: of the input.
        scale: a factor or a target.

    Raises:
        UnreachableTargetError: the target is more than 16 times the size of this image.
    """
    if isinstance(scale, Factor):
        return Size(int(size.height * scale.height), int(size.width * scale.width))
    factor = max(scale.compute_factor(size), Fraction(1))
    if factor > MAX_FACTOR:
        raise UnreachableTargetError(
            f"{scale} is {float(factor):.4g} times the size of this image ({size} px); "
            f"the largest factor is {MAX_FACTOR}: choose a smaller target"
        )
    return Size(int(size.height * factor), int(size.width * factor))


def measure_scale(size_in: Size, size_out: Size) -> tuple[float, float]:
    """Return the factors from one size to the other, height first."""
    return (size_out.height / size_in.height, size_out.width / size_in.width)


def is_large_enough(size: Size, scale: Scale) -> bool:
    """Whether an image already meets the target; always false for a factor."""
    return isinstance(scale, Target) and scale.compute_factor(size) <= 1


def compute_resize_scale(pixels_in: int, pixels_out: int) -> np.float32:
    """Compute the scale for one axis of `Resize` that gives exactly `pixels_out`.

    ONNX Runtime computes floor(float32(pixels_in) * scale). With the float32 nearest to the
    quotient, the result can be one pixel short; then the next larger float32 is used.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after.
    """
    scale = np.float32(pixels_out / pixels_in)
    while int(np.float32(pixels_in) * scale) < pixels_out:
        scale = np.nextafter(scale, np.float32(np.inf))
    return scale


def make_resize_factor(
    size_in: Size, size_out: Size
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Make the graph's `factor` input, (4,) float32 [1, 1, fh, fw], for exactly `size_out`."""
    height = compute_resize_scale(size_in.height, size_out.height)
    width = compute_resize_scale(size_in.width, size_out.width)
    return np.array([1, 1, height, width], dtype=np.float32)
