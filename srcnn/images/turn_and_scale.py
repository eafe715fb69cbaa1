"""Where places in a picture are, after it was turned upright and got another size.

Coordinates in metadata refer to the stored picture, before its orientation is applied: EXIF 2.32,
section 4.6.5 (SubjectArea), and "Guidelines for handling image metadata" 2.0, section 5.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from srcnn.geometry import Size

_SWAPPED = (5, 6, 7, 8)  # orientations that swap height and width
_CIRCLE, _RECTANGLE = 3, 4  # numbers of a subject area


@dataclass(frozen=True)
class Change:
    """A change from a stored picture to an upright one, of the same or another size.

    Attributes:
        orientation: of the stored picture, 1 to 8: EXIF 2.32, section 4.6.4.
        before: size of the stored picture.
        after: size of the upright one.
    """

    orientation: int
    before: Size
    after: Size

    @property
    def turns(self) -> bool:
        """Whether the picture is turned or mirrored."""
        return self.orientation != 1

    @property
    def swaps(self) -> bool:
        """Whether what went across goes down."""
        return self.orientation in _SWAPPED

    @property
    def factors(self) -> tuple[float, float]:
        """How much longer a line gets that went across, and one that went down."""
        across, down = self.turn_sides(self.after.width, self.after.height)
        return across / self.before.width, down / self.before.height

    def turn_point(self, x: float, y: float) -> tuple[float, float]:
        """Turn a point; both are fractions of the width and the height."""
        left, top = 1 - x, 1 - y
        turned = (
            (x, y),
            (left, y),
            (left, top),
            (x, top),
            (y, x),
            (top, x),
            (top, left),
            (y, left),
        )
        return turned[self.orientation - 1]

    def turn_sides(self, width: float, height: float) -> tuple[float, float]:
        """Turn the width and the height of something."""
        return (height, width) if self.swaps else (width, height)

    def turn_box(
        self, x: float, y: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        """Turn a box, given by its upper left corner, in fractions."""
        ends = self.turn_point(x, y), self.turn_point(x + width, y + height)
        return (
            min(ends[0][0], ends[1][0]),
            min(ends[0][1], ends[1][1]),
            *self.turn_sides(width, height),
        )

    def move_pixel(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel that the middle of a pixel comes to lie in."""
        stored, upright = self.before, self.after
        across, down = self.turn_point((x + 0.5) / stored.width, (y + 0.5) / stored.height)
        return floor(across * upright.width), floor(down * upright.height)

    def move_subject(self, numbers: Sequence[float]) -> list[int]:
        """Move a subject area or location: EXIF 2.32, section 4.6.5.

        Args:
            numbers: the pixel in its middle, and a circle's diameter, or a rectangle's sides.
        """
        across, down = self.factors
        sides: tuple[float, ...] = ()
        if len(numbers) == _CIRCLE:
            sides = (numbers[2] * across,)
        elif len(numbers) == _RECTANGLE:
            sides = self.turn_sides(numbers[2] * across, numbers[3] * down)
        return [*self.move_pixel(numbers[0], numbers[1]), *map(round, sides)]
