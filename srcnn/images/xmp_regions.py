"""Regions in XMP, such as faces, turned and scaled with the picture.

- Metadata Working Group: "Guidelines for handling image metadata" 2.0, section 5.9: "applied to
  the stored image", and turned where its orientation is applied. ACDSee's are the same.
- Microsoft: "People tagging overview". Writers keep them equal to the former.
- IPTC Photo Metadata Standard, Extension 1.5 and later: structure Region Boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite

from srcnn.geometry import Size
from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_elements import Element, Field

_MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
_ACDSEE = "http://ns.acdsee.com/"
_AREAS = ("http://ns.adobe.com/xmp/sType/Area#", f"{_ACDSEE}sType/Area#")
_SIZES = ("http://ns.adobe.com/xap/1.0/sType/Dimensions#", f"{_ACDSEE}sType/Dimensions#")
_SIZES_OF_PICTURE = ("AppliedToDimensions", "videoFrameSize")
_RECTANGLE = "http://ns.microsoft.com/photo/1.2/t/Region#Rectangle"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_BOUNDARY = f"{_IPTC}rb"
# Of faces: how they are turned in the picture.
_ANGLES = (
    f"{_MWG}Rotation",
    *(f"http://ns.apple.com/faceinfo/1.0/AngleInfo{a}" for a in ("Roll", "Yaw")),
)
_PROPERTIES = {
    f"{_MWG}Regions": "mwg-rs:Regions",
    f"{_ACDSEE}regions/Regions": "acdsee-rs:Regions",
    "http://ns.microsoft.com/photo/1.2/RegionInfo": "MP:RegionInfo",
    f"{_IPTC}ImageRegion": "Iptc4xmpExt:ImageRegion",
}
# One of these is in every packet that has regions.
MARKS = (*_AREAS, *_SIZES, _RECTANGLE.removesuffix("Rectangle"), "RegionBoundary")
_LARGEST_NUMBER = 1e7
_SLACK = 0.02  # by which the shape of a picture may differ from the one that regions were made for
_Fields = dict[str, Field]


def move_regions(elements: Iterable[Element], change: Change) -> set[str]:
    """Turn and scale the regions of a packet; drop those that cannot be read, or do not fit.

    Args:
        elements: of the packet; they are edited.
        change: of the picture.

    Returns:
        Notes about what was dropped.
    """
    notes = set()
    for element in elements:
        fields = element.fields
        for is_one_of, move in _MOVES:
            try:
                if is_one_of(fields):
                    move(element, fields, change)
            except (ValueError, KeyError):
                notes.add(_drop(element))
        if change.turns and (angles := [fields[name] for name in _ANGLES if name in fields]):
            notes.add("angles of faces in XMP were dropped: the picture was turned")
            for angle in angles:
                angle.remove()
    return notes


def _drop(element: Element) -> str:
    holders = [holder for holder in element.list_around() if holder.name in _PROPERTIES]
    dropped = (holders or [element])[-1]
    dropped.edits.add("removed")
    name = _PROPERTIES.get(dropped.name, "a region")
    return (
        f"{name} in XMP was dropped: it cannot be read, or was made for a picture of another shape"
    )


def _move_area(_element: Element, fields: _Fields, change: Change) -> None:
    """Turn an area: its middle, and its sides, unless it is a point or a circle."""
    found = {name.rpartition("#")[2]: each for name, each in fields.items()}
    if not change.turns:
        return
    if "unit" in found and found["unit"].text != "normalized":
        raise ValueError
    point = change.turn_point(_parse(found["x"].text), _parse(found["y"].text))
    _write(found, dict(zip("xy", point, strict=True)))
    if "w" in found or "h" in found:
        sides = change.turn_sides(_parse(found["w"].text), _parse(found["h"].text))
        _write(found, dict(zip("wh", sides, strict=True)))


def _set_size(element: Element, fields: _Fields, change: Change) -> None:
    """Set the size of the picture that regions are made for."""
    if not element.find_property().endswith(_SIZES_OF_PICTURE):
        return
    found = {name.rpartition("#")[2]: each for name, each in fields.items()}
    if "unit" in found and not found["unit"].text.lower().startswith("pixel"):
        return
    across, down = _parse(found["w"].text), _parse(found["h"].text)
    if _has_shape(across, down, change.before):
        found["w"].write(str(change.after.width))
        found["h"].write(str(change.after.height))
    elif change.turns:  # of the picture when it was upright, or of a part of it: nobody knows
        raise ValueError


def _has_shape(across: float, down: float, size: Size) -> bool:
    one, other = across * size.height, down * size.width
    return abs(one - other) <= _SLACK * one + across + down


def _move_rectangle(_element: Element, fields: _Fields, change: Change) -> None:
    """Turn a rectangle of Microsoft: "left, top, width, height", as fractions."""
    if change.turns:
        x, y, width, height = map(_parse, fields[_RECTANGLE].text.split(","))
        fields[_RECTANGLE].write(", ".join(map(_format, change.turn_box(x, y, width, height))))


def _move_boundary(element: Element, fields: _Fields, change: Change) -> None:
    """Turn a boundary: a rectangle by its upper left corner, a circle, or a point of a polygon."""
    unit = _find_unit(element)
    if unit == "relative" and not change.turns:
        return
    found = {name.removeprefix(_BOUNDARY): each for name, each in fields.items()}
    numbers = {key: _parse(found[key].text) for key in ("X", "Y", "W", "H", "Rx") if key in found}
    width, height = change.before.width, change.before.height
    across, down = (width, height) if unit == "pixel" else (1, 1)
    box = change.turn_box(
        numbers["X"] / across,
        numbers["Y"] / down,
        numbers.get("W", 0) / across,
        numbers.get("H", 0) / down,
    )
    radius = numbers.get("Rx", 0) / across * (width / height if change.swaps else 1)
    across, down = (change.after.width, change.after.height) if unit == "pixel" else (1, 1)
    moved = zip("XYWH", box, (across, down, across, down), strict=True)
    result = {key: number * scale for key, number, scale in moved} | {"Rx": radius * across}
    _write(found, {key: result[key] for key in numbers})


def _find_unit(element: Element) -> str:
    for holder in element.list_around():
        if unit := holder.fields.get(f"{_BOUNDARY}Unit"):
            if unit.text not in ("pixel", "relative"):
                break
            return unit.text
    raise ValueError


def _parse(text: str) -> float:
    number = float(text)
    if not isfinite(number) or abs(number) > _LARGEST_NUMBER:
        raise ValueError
    return number


def _write(fields: _Fields, numbers: dict[str, float]) -> None:
    for name, number in numbers.items():
        fields[name].write(_format(number))


def _format(number: float) -> str:
    """Format as XMP part 1, section 8.2.1.4 has it: without an exponent."""
    return f"{number:.8f}".rstrip("0").rstrip(".")


def _has(*names: str) -> Callable[[_Fields], bool]:
    return lambda fields: any(name in fields for name in names)


_Move = Callable[[Element, _Fields, Change], None]
_MOVES: tuple[tuple[Callable[[_Fields], bool], _Move], ...] = (
    (_has(*(f"{area}{key}" for area in _AREAS for key in "xywh")), _move_area),
    (_has(*(f"{size}{key}" for size in _SIZES for key in "wh")), _set_size),
    (_has(_RECTANGLE), _move_rectangle),
    (_has(f"{_BOUNDARY}X", f"{_BOUNDARY}Y"), _move_boundary),
)
