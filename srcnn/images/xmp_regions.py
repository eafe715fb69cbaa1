"""Regions in XMP, such as faces, turned and scaled with the picture.

- Metadata Working Group: "Guidelines for handling image metadata" 2.0, section 5.9: "applied to
  the stored image", and turned where its orientation is applied. ACDSee's are the same.
- Microsoft: "People tagging overview". Writers keep them equal to the former.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from srcnn.geometry import Size
from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_elements import Element, Field
from srcnn.images.xmp_iptc_regions import BOUNDARY, IPTC, move_boundary
from srcnn.images.xmp_numbers import format_number, parse_number, write_numbers

_MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
_ACDSEE = "http://ns.acdsee.com/"
_AREAS = ("http://ns.adobe.com/xmp/sType/Area#", f"{_ACDSEE}sType/Area#")
_SIZES = ("http://ns.adobe.com/xap/1.0/sType/Dimensions#", f"{_ACDSEE}sType/Dimensions#")
_SIZES_OF_PICTURE = ("AppliedToDimensions", "videoFrameSize")
_RECTANGLE = "http://ns.microsoft.com/photo/1.2/t/Region#Rectangle"
# Of faces: how they are turned in the picture.
_ANGLES = (
    f"{_MWG}Rotation",
    *(f"http://ns.apple.com/faceinfo/1.0/AngleInfo{a}" for a in ("Roll", "Yaw")),
)
_PROPERTIES = {
    f"{_MWG}Regions": "mwg-rs:Regions",
    f"{_ACDSEE}regions/Regions": "acdsee-rs:Regions",
    "http://ns.microsoft.com/photo/1.2/RegionInfo": "MP:RegionInfo",
    f"{IPTC}ImageRegion": "Iptc4xmpExt:ImageRegion",
}
# One of these is in every packet that has regions.
MARKS = (*_AREAS, *_SIZES, _RECTANGLE.removesuffix("Rectangle"), "RegionBoundary")
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
    point = change.turn_point(parse_number(found["x"].text), parse_number(found["y"].text))
    write_numbers(found, dict(zip("xy", point, strict=True)))
    if "w" in found or "h" in found:
        sides = change.turn_sides(parse_number(found["w"].text), parse_number(found["h"].text))
        write_numbers(found, dict(zip("wh", sides, strict=True)))


def _set_size(element: Element, fields: _Fields, change: Change) -> None:
    """Set the size of the picture that regions are made for."""
    if not element.find_property().endswith(_SIZES_OF_PICTURE):
        return
    found = {name.rpartition("#")[2]: each for name, each in fields.items()}
    if "unit" in found and not found["unit"].text.lower().startswith("pixel"):
        return
    across, down = parse_number(found["w"].text), parse_number(found["h"].text)
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
        x, y, width, height = map(parse_number, fields[_RECTANGLE].text.split(","))
        fields[_RECTANGLE].write(
            ", ".join(map(format_number, change.turn_box(x, y, width, height)))
        )


def _has(*names: str) -> Callable[[_Fields], bool]:
    return lambda fields: any(name in fields for name in names)


_Move = Callable[[Element, _Fields, Change], None]
_MOVES: tuple[tuple[Callable[[_Fields], bool], _Move], ...] = (
    (_has(*(f"{area}{key}" for area in _AREAS for key in "xywh")), _move_area),
    (_has(*(f"{size}{key}" for size in _SIZES for key in "wh")), _set_size),
    (_has(_RECTANGLE), _move_rectangle),
    (_has(f"{BOUNDARY}X", f"{BOUNDARY}Y"), move_boundary),
)
