"""A colour as people name it, for the background of flattened images."""

from __future__ import annotations

from typing import NamedTuple

from PIL import ImageColor

from srcnn.errors import UsageError


class Colour(NamedTuple):
    """An opaque colour, 0 to 255 each."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        """As #rrggbb: one text for each colour, however it was named."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


def parse_colour(text: str) -> Colour:
    """Read a CSS colour name, #rrggbb, or rgb(r, g, b).

    Raises:
        UsageError: it is not a colour, or has transparency.
    """
    try:
        colour = ImageColor.getrgb(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a colour: expected a name such as white, or #rrggbb"
        ) from error
    if len(colour) > len(Colour._fields):
        raise UsageError(f"{text!r} has transparency: expected a name such as white, or #rrggbb")
    return Colour(*colour)
