"""Coordinates in XMP, turned and scaled with the picture."""

from __future__ import annotations

from srcnn.images import xmp_pixels, xmp_regions
from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_packet import UnreadableXmpError, parse, write

# Most packets have none of them, and are not parsed.
_MARKS = tuple(mark.encode() for mark in (*xmp_regions.MARKS, *xmp_pixels.MARKS))
_DROPPED = "XMP was dropped: it says places in the picture, and cannot be parsed"


def move_places(xmp: bytes, change: Change) -> tuple[bytes, tuple[str, ...]]:
    """Turn and scale the places in a packet.

    Args:
        xmp: the packet.
        change: of the picture.

    Returns:
        The packet, empty if it cannot be parsed safely, and notes about what was dropped.
    """
    if not any(mark in xmp for mark in _MARKS):
        return xmp, ()
    try:
        elements = parse(xmp)
    except UnreadableXmpError:
        return b"", (_DROPPED,)
    structures = [element for element in elements if element.fields]
    notes = xmp_regions.move_regions(structures, change)
    notes |= xmp_pixels.move_pixels(structures, change)
    return write(xmp, elements), tuple(sorted(notes))
