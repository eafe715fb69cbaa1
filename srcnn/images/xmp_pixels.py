"""What XMP says in pixels, or across and down, besides regions: turned and scaled with the picture.

- EXIF in XMP (XMP part 2, section 3.3; EXIF 2.32, section 4.6.5).
- Google's "Photo Sphere XMP metadata": a panorama's whole size, and which part of it is there.
- Adobe's "Camera Raw" crop and local corrections, where they are yet to be applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_elements import RDF, Element, Field
from srcnn.images.xmp_numbers import parse_number

_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_FOCAL_PLANE = tuple(f"{_EXIF}FocalPlane{axis}Resolution" for axis in "XY")
_PAIRS = (tuple(f"{_TIFF}{axis}Resolution" for axis in "XY"), _FOCAL_PLANE)
_SUBJECTS = {f"{_EXIF}SubjectArea": (2, 3, 4), f"{_EXIF}SubjectLocation": (2,)}
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_ACROSS = ("Width", "WidthPixels", "Left", "LeftPixels")
_DOWN = ("Height", "HeightPixels", "Top", "TopPixels")
_RAW = "http://ns.adobe.com/camera-raw-settings/1.0/"
_PLACED = ("RetouchInfo", "RetouchAreas", "RedEyeInfo", "MaskGroupBasedCorrections")
_CORRECTED = ("Gradient", "CircularGradient", "Paint")
_RAW_PLACES = (
    *(f"{_RAW}{name}" for name in _PLACED),
    *(f"{_RAW}{name}BasedCorrections" for name in _CORRECTED),
)
_RAW_CROP = tuple(f"{_RAW}Crop{name}" for name in ("Top", "Left", "Bottom", "Right", "Angle"))
_RAW_SIZE = tuple(f"{_RAW}Crop{name}" for name in ("Width", "Height", "Unit", "Units"))
# One of these is in every packet that has such fields.
MARKS = ("Subject", "FocalPlane", "XResolution", _PANORAMA, _RAW)
_Fields = dict[str, Field]


def move_pixels(elements: Iterable[Element], change: Change) -> set[str]:
    """Turn and scale the fields of a packet; drop those that cannot be read.

    Args:
        elements: of the packet; they are edited.
        change: of the picture.

    Returns:
        Notes about what was dropped.
    """
    panorama: list[Field] = []
    notes = set()
    for element in elements:
        fields = element.fields
        _move_resolutions(fields, change)
        panorama += [each for name, each in fields.items() if name.startswith(_PANORAMA)]
        if element.name in _SUBJECTS and not _move_subject(element, change):
            element.edits.add("removed")
            notes.add("the subject's place in XMP was dropped: it cannot be read")
        if _drop_raw_places(fields, change):
            notes.add(
                "a crop or corrections in XMP were dropped: they are not applied to the pixels"
            )
    if panorama and (change.turns or not _scale_panorama(panorama, change)):
        # The projection of a picture that was turned or mirrored is another one.
        notes.add("GPano in XMP was dropped: it cannot be read, or the picture was turned")
        for each in panorama:
            each.remove()
    return notes


def _move_resolutions(fields: _Fields, change: Change) -> None:
    for name, factor in zip(_FOCAL_PLANE, change.factors, strict=True):
        if name in fields and factor != 1:
            _multiply(fields[name], factor)
    for across, down in _PAIRS if change.swaps else ():
        if across in fields and down in fields:
            one, other = fields[across].text, fields[down].text
            fields[across].write(other)
            fields[down].write(one)


def _multiply(rational: Field, factor: float) -> None:
    """Multiply a rational, as "numerator/denominator"; one that cannot be read is left out."""
    try:
        above, _, below = rational.text.partition("/")
        result = Fraction(
            parse_number(above) / parse_number(below or "1") * factor
        ).limit_denominator(10**6)
        rational.write(f"{result.numerator}/{result.denominator}")
    except (ValueError, ZeroDivisionError):
        rational.remove()


def _move_subject(element: Element, change: Change) -> bool:
    """Move the numbers of a sequence; return False if they cannot be read."""
    items = [
        each for holder in element.children for each in holder.children if each.name == f"{RDF}li"
    ]
    if len(items) not in _SUBJECTS[element.name]:
        return False
    try:
        numbers = change.move_subject([parse_number(item.text) for item in items])
    except ValueError:
        return False
    for item, number in zip(items, numbers, strict=True):
        Field(item).write(str(number))
    return True


def _scale_panorama(fields: list[Field], change: Change) -> bool:
    """Scale what is in pixels; return False if it cannot be read."""
    try:
        for each in fields:
            name = (each.attribute or each.element.raw).rpartition(":")[2]
            for ends, factor in zip((_ACROSS, _DOWN), change.factors, strict=True):
                if name.endswith(ends):
                    each.write(str(round(parse_number(each.text) * factor)))
    except ValueError:
        return False
    return True


def _drop_raw_places(fields: _Fields, change: Change) -> bool:
    """Drop what is to be applied to the pixels of the source alone; return whether there is any."""
    if f"{_RAW}AlreadyApplied" in fields and fields[f"{_RAW}AlreadyApplied"].text == "True":
        return False  # a record of how the picture was made from its raw file
    names = list(_RAW_SIZE if f"{_RAW}HasCrop" in fields else ())
    if change.turns:
        names += _RAW_PLACES
        if f"{_RAW}HasCrop" in fields and fields[f"{_RAW}HasCrop"].text == "True":
            names += [*_RAW_CROP, f"{_RAW}HasCrop"]
    found = [fields[name] for name in names if name in fields]
    for each in found:
        each.remove()
    return bool(found)
