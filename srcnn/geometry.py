"""Factors, targets and output sizes, in exact arithmetic.

Independent of images, files and options. `srcnn.parse_scale` has scales as users write them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import isqrt
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from srcnn.errors import UnreachableTargetError

MIN_FACTOR = 1
MAX_FACTOR = 16

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
        height, width = format_decimal(self.height), format_decimal(self.width)
        return height if height == width else f"{height}x{width}"


@dataclass(frozen=True)
class Target:
    """Resize until one side has a given number of pixels, keeping the aspect ratio.

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

    def fit(self, size: Size) -> Size:
        """Compute the size of a picture at this target; see `Scale`."""
        longest, shortest = max(size), min(size)
        current = {
            "width": size.width,
            "height": size.height,
            "longest": longest,
            "shortest": shortest,
        }[self.side]
        return _multiply(size, Fraction(self.pixels, current))


@dataclass(frozen=True)
class Box:
    """Resize until a picture just fits in a box, keeping the aspect ratio.

    One side is then that of the box; the other is not longer than that of the box.

    Attributes:
        height: of the box in pixels.
        width: of the box in pixels.
        given: the text that it was parsed from, if any.
    """

    height: int
    width: int
    given: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        """Format as text that parses back to this target, width first."""
        return f"box={self.width}x{self.height}"

    def fit(self, size: Size) -> Size:
        """Compute the size of a picture at this target; see `Scale`."""
        axes = (Fraction(self.height, size.height), Fraction(self.width, size.width))
        return _multiply(size, min(axes))


@dataclass(frozen=True)
class PixelCount:
    """Resize until a picture has a number of pixels, keeping the aspect ratio.

    Both sides are rounded down, so there are a few pixels less; one more on each side would be
    too many.

    Attributes:
        pixels: the most that the result has.
        given: the text that it was parsed from, if any.
    """

    pixels: int
    given: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        """Format as text that parses back to this target."""
        return f"megapixels={format_decimal(Fraction(self.pixels, 1_000_000))}"

    def fit(self, size: Size) -> Size:
        """Compute the size of a picture at this target; see `Scale`.

        The factor is the root of pixels / (height * width); the root of a floor is the floor of
        the root.
        """
        height = max(1, isqrt(self.pixels * size.height // size.width))
        width = max(1, isqrt(self.pixels * size.width // size.height))
        return Size(min(height, self.pixels), min(width, self.pixels))  # beside a side of one pixel


Scale: TypeAlias = Factor | Target | Box | PixelCount
"""All but a factor are targets. `fit` computes the size of a picture at the target, larger or
smaller than it was; each side has at least one pixel."""


def _multiply(size: Size, factor: Fraction) -> Size:
    return Size(*(max(1, int(side * factor)) for side in size))


def format_decimal(value: Fraction) -> str:
    """Format an exact decimal, as short as people write it."""
    # Not through float: 1.0000000000000000001 would become 1.
    return f"{Decimal(value.numerator) / value.denominator:.25f}".rstrip("0").rstrip(".")


def compute_output_size(size: Size, scale: Scale, *, may_shrink: bool = False) -> Size:
    """Compute the size of the result.

    For a factor it is floor(size x factor) in exact arithmetic. A target is met to the pixel.

    Args:
        size: of the input.
        scale: a factor or a target.
        may_shrink: whether an image above its target is made smaller. If not, an image that already
            meets its target keeps its size.

    Raises:
        UnreachableTargetError: the target is more than 16 times the size of this image.
    """
    if isinstance(scale, Factor):
        return Size(int(size.height * scale.height), int(size.width * scale.width))
    if is_large_enough(size, scale) and not may_shrink:
        return size
    result = scale.fit(size)
    factor = max(measure_scale(size, result))
    if factor > MAX_FACTOR:
        raise UnreachableTargetError(
            f"{scale} is {factor:.4g} times the size of this image ({size} px); "
            f"the largest factor is {MAX_FACTOR}: choose a smaller target"
        )
    return result


def measure_scale(size_in: Size, size_out: Size) -> tuple[float, float]:
    """Return the factors from one size to the other, height first."""
    return (size_out.height / size_in.height, size_out.width / size_in.width)


def is_large_enough(size: Size, scale: Scale) -> bool:
    """Whether an image already meets the target; always false for a factor."""
    if isinstance(scale, Factor):
        return False
    target = scale.fit(size)
    return target.height <= size.height and target.width <= size.width


def is_too_large(size: Size, scale: Scale) -> bool:
    """Whether an image is above its target; always false for a factor."""
    if not is_large_enough(size, scale):
        return False
    return compute_output_size(size, scale, may_shrink=True) != size


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
