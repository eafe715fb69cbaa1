"""Boundaries of IPTC's image regions, turned and scaled with the picture.

IPTC Photo Metadata Standard, Extension 1.5 and later, structure Region Boundary: a rectangle by its
upper left corner, a circle by its middle and its radius, or the corners of a polygon; in pixels, or
in parts of the width and the height.
"""

from __future__ import annotations

from collections.abc import Mapping

from srcnn.geometry import Size
from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_elements import Element, Field
from srcnn.images.xmp_numbers import parse_number, write_numbers

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
BOUNDARY = f"{IPTC}rb"
_NUMBERS = ("X", "Y", "W", "H", "Rx")
_WHOLE = Size(1, 1)  # of which relative numbers are parts


def move_boundary(element: Element, fields: Mapping[str, Field], change: Change) -> None:
    """Turn and scale a boundary, or a corner of one.

    Raises:
        ValueError: it cannot be read, or has no unit.
        KeyError: a number is missing.
    """
    is_relative = _find_unit(element) == "relative"
    if is_relative and not change.turns:
        return
    before, after = (_WHOLE, _WHOLE) if is_relative else (change.before, change.after)
    found = {name.removeprefix(BOUNDARY): each for name, each in fields.items()}
    numbers = {key: parse_number(found[key].text) for key in _NUMBERS if key in found}
    x, y = numbers["X"] / before.width, numbers["Y"] / before.height
    w, h = numbers.get("W", 0) / before.width, numbers.get("H", 0) / before.height
    x, y, w, h = change.turn_box(x, y, w, h)
    # The radius is a part of the width, which is another side of a picture that was turned.
    radius = numbers.get("Rx", 0) / before.width
    radius *= change.before.width / change.before.height if change.swaps else 1
    moved = {"X": x * after.width, "Y": y * after.height, "Rx": radius * after.width}
    moved |= {"W": w * after.width, "H": h * after.height}
    write_numbers(found, {key: moved[key] for key in numbers})


def _find_unit(element: Element) -> str:
    """Find the unit, of a corner in the boundary around it."""
    units = (around.fields.get(f"{BOUNDARY}Unit") for around in element.list_around())
    found = next(filter(None, units), None)
    if found is None or found.text not in ("pixel", "relative"):
        raise ValueError
    return found.text
