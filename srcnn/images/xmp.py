"""XMP packets, edited: orientation and size are set, and thumbnails removed.

A packet may have a size as an attribute or as an element (XMP part 1, section 7.9.2.2). Only the
usual prefixes are recognised (XMP part 2, section 3), which all writers use.
"""

from __future__ import annotations

import re

from srcnn.geometry import Size

_ORIENTATION = rb"tiff:Orientation"
_WIDTHS = rb"(?:tiff:ImageWidth|exif:PixelXDimension)"
_HEIGHTS = rb"(?:tiff:ImageLength|exif:PixelYDimension)"
_THUMBNAILS = (
    (b"<xmp:Thumbnails>", b"</xmp:Thumbnails>"),
    (b"<xap:Thumbnails>", b"</xap:Thumbnails>"),
)


def reset_orientation(xmp: bytes) -> bytes:
    """Set the orientation of a packet to upright."""
    return _set_number(xmp, _ORIENTATION, 1)


def adapt_to_result(xmp: bytes, size: Size) -> bytes:
    """Adapt a packet to an upscaled picture: set its size, and remove thumbnails.

    Args:
        xmp: the packet.
        size: of the picture that it will be written with.
    """
    xmp = _set_number(_set_number(xmp, _WIDTHS, size.width), _HEIGHTS, size.height)
    for opening, closing in _THUMBNAILS:
        start, end = xmp.find(opening), xmp.find(closing)
        if 0 <= start < end:
            xmp = xmp[:start] + xmp[end + len(closing) :]
    return xmp


def _set_number(xmp: bytes, name: bytes, number: int) -> bytes:
    pattern = rb"(" + name + rb"(?:\s*=\s*[\"']|>)\s*)[0-9]+"
    return re.sub(pattern, rb"\g<1>%d" % number, xmp)
