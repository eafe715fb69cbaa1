"""Factors, targets and output sizes, in exact arithmetic.

Knows nothing of images, files or options beyond the text of a scale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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
# Bounded, so that no text costs more than a glance; 25 decimals hold every float from 1 to 16
# that prints with as many, and their products with a size stay exact.
_NUMBER = r"[0-9]{1,9}(\.[0-9]{1,25})?"
_SIDES = "width|height|longest|shortest"
_FORM = rf"({_NUMBER}(x{_NUMBER})?|({_SIDES})=[0-9]{{1,9}})"
_BOUNDED = r"(16(\.0{1,25})?|(1[0-5]|[1-9])(\.[0-9]{1,25})?)"
# For JSON schemas, which check before any of our code runs; `parse_scale` gives better reasons.
SCALE_PATTERN = rf"^\s*({_BOUNDED}(x{_BOUNDED})?|({_SIDES})=[1-9][0-9]{{0,8}})\s*$"
_MOST_SHOWN = 60  # characters of a text that is no scale

Side = Literal["width", "height", "longest", "shortest"]


class Size(NamedTuple):
    """Height and width in pixels."""

    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width

    def __str__(self) -> str:
        """Width by height, as people write picture sizes."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Factor:
    """Enlarge by a factor per axis.

    Attributes:
        height: exact factor of the height, 1 to 16.
        width: exact factor of the width, 1 to 16.
    """

    height: Fraction
    width: Fraction

    def __str__(self) -> str:
        """The text that parses back to this factor."""
        height, width = _decimal(self.height), _decimal(self.width)
        return height if height == width else f"{height}x{width}"


@dataclass(frozen=True)
class Target:
    """Enlarge until one side has a number of pixels, keeping the aspect.

    Attributes:
        side: the side that is measured.
        pixels: its length in the result.
    """

    side: Side
    pixels: int

    def __str__(self) -> str:
        """The text that parses back to this target."""
        return f"{self.side}={self.pixels}"

    def factor_of(self, size: Size) -> Fraction:
        """The exact factor from `size` to this target; 1 or less where nothing is left to do."""
        longest, shortest = max(size), min(size)
        now = {
            "width": size.width,
            "height": size.height,
            "longest": longest,
            "shortest": shortest,
        }[self.side]
        return Fraction(self.pixels, now)


Scale: TypeAlias = Factor | Target


def _decimal(value: Fraction) -> str:
    # Not by way of float: 1.0000000000000000001 would come back as 1.
    return f"{Decimal(value.numerator) / value.denominator:.25f}".rstrip("0").rstrip(".")


def _factor(text: str, whole: str) -> Fraction:
    value = Fraction(text)
    if not MIN_FACTOR <= value <= MAX_FACTOR:
        raise UsageError(
            f"scale {whole!r}: expected a factor from {MIN_FACTOR} to {MAX_FACTOR}, got {text}"
        )
    return value


def parse_scale(text: str) -> Scale:
    """Read a scale as people write it.

    Args:
        text: `3`, `2.5`, `2x3` (height by width), `width=1920`, `height=`, `longest=`
            or `shortest=` a number of pixels.

    Raises:
        UsageError: the text is none of these, or a factor is outside 1 to 16.
    """
    stripped = text.strip()
    if not re.fullmatch(_FORM, stripped, flags=re.ASCII):
        raise UsageError(f"scale {text[:_MOST_SHOWN]!r}: expected {SCALE_HELP}")
    if "=" in stripped:
        side, _, pixels = stripped.partition("=")
        if int(pixels) < 1:
            raise UsageError(f"scale {text!r}: a side has at least 1 pixel")
        return Target(next(name for name in get_args(Side) if name == side), int(pixels))
    height, _, width = stripped.partition("x")
    return Factor(_factor(height, stripped), _factor(width or height, stripped))


def to_scale(value: float | str | tuple[float, float] | Scale) -> Scale:
    """A scale from what Python callers write: a number, a pair (height, width), or text.

    Raises:
        UsageError: as `parse_scale`.
    """
    if isinstance(value, Factor | Target):
        return value
    if isinstance(value, tuple):
        if len(value) != 2:  # noqa: PLR2004 - height, width
            raise UsageError(f"scale {value!r}: expected a pair (height, width)")
        return parse_scale("x".join(str(axis) for axis in value))
    return parse_scale(str(value))


def output_size(size: Size, scale: Scale) -> Size:
    """The size of the result: floor(size x factor) in exact arithmetic, a target to the pixel.

    A picture that already meets its target keeps its size: nothing is ever made smaller.

    Args:
        size: of the input.
        scale: a factor or a target.

    Raises:
        UnreachableTargetError: the target lies more than 16 times above this image.
    """
    if isinstance(scale, Factor):
        return Size(int(size.height * scale.height), int(size.width * scale.width))
    factor = max(scale.factor_of(size), Fraction(1))
    if factor > MAX_FACTOR:
        raise UnreachableTargetError(
            f"{scale} is {float(factor):.4g} times this image of {size}; "
            f"factors run to {MAX_FACTOR}: give it a smaller target"
        )
    return Size(int(size.height * factor), int(size.width * factor))


def is_large_enough(size: Size, scale: Scale) -> bool:
    """Whether an image already meets the target; never true of a factor."""
    return isinstance(scale, Target) and scale.factor_of(size) <= 1


def resize_scale(pixels_in: int, pixels_out: int) -> np.float32:
    """The scale to feed `Resize` for one axis, so that it makes exactly `pixels_out`.

    ONNX Runtime computes floor(float32(pixels_in) * scale); the nearest float32 of the
    quotient can fall short by one pixel and is then raised by one step.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after.
    """
    scale = np.float32(pixels_out / pixels_in)
    while int(np.float32(pixels_in) * scale) < pixels_out:
        scale = np.nextafter(scale, np.float32(np.inf))
    return scale


def resize_factor(size_in: Size, size_out: Size) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The graph's `factor` input, (4,) float32 [1, 1, fh, fw], for exactly `size_out`."""
    height = resize_scale(size_in.height, size_out.height)
    width = resize_scale(size_in.width, size_out.width)
    return np.array([1, 1, height, width], dtype=np.float32)
