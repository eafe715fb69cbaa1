"""XMP packets corrected: what they say of orientation and size, and no thumbnail.

A packet may hold a size as an attribute or as an element (XMP part 1, section 7.9.2.2); the
prefixes are the customary ones (XMP part 2, section 3), which all writers use.
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


def with_orientation_reset(xmp: bytes) -> bytes:
    """The packet, saying that the pixels are upright."""
    return _with(xmp, _ORIENTATION, 1)


def for_result(xmp: bytes, size: Size) -> bytes:
    """The packet as it is true of an upscaled picture: its size, and no thumbnail.

    Args:
        xmp: the packet.
        size: of the picture that it will be written with.
    """
    xmp = _with(_with(xmp, _WIDTHS, size.width), _HEIGHTS, size.height)
    for opening, closing in _THUMBNAILS:
        start, end = xmp.find(opening), xmp.find(closing)
        if 0 <= start < end:
            xmp = xmp[:start] + xmp[end + len(closing) :]
    return xmp


def _with(xmp: bytes, name: bytes, number: int) -> bytes:
    pattern = rb"(" + name + rb"(?:\s*=\s*[\"']|>)\s*)[0-9]+"
    return re.sub(pattern, rb"\g<1>%d" % number, xmp)
