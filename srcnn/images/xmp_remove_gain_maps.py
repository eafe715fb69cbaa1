"""Remove from XMP what it says of parts of the source's file that outputs do not have.

Gain maps (Adobe's, Google's Ultra HDR), motion photos and micro videos are pictures and videos
behind the first picture, and extended XMP (XMP part 3, section 1.1.3.1) is in segments of a JPEG
that are not read. Readers that look for them, by their offsets, find something else.
"""

from __future__ import annotations

import re

_NAMES = rb"hdrgm:\w+|xmpNote:HasExtendedXMP|(?:G|Op)?Camera:(?:Motion|MicroVideo)\w*"
_PARTS = rb"G?Container:Directory|" + _NAMES
_EXTENDED = b"xmpNote:HasExtendedXMP"
_IN_EXTENDED = rb"|(?:GDepth|GImage|GAudio):\w+"  # what phones put there
_LARGEST_ELEMENTS = 100  # that are removed; each may be searched for to the end


def remove_promises(xmp: bytes) -> bytes:
    """Remove attributes and elements that promise what is not kept.

    Args:
        xmp: the packet.

    Returns:
        The same object if it promises nothing.
    """
    more = _IN_EXTENDED if _EXTENDED in xmp else b""
    attribute = rb"\s(?:" + _NAMES + more + rb")\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    kept = re.sub(attribute, b"", xmp)
    kept = _remove_elements(kept, re.compile(rb"<(" + _PARTS + more + rb")(?=[\s/>])"))
    return xmp if len(kept) == len(xmp) else kept


def _remove_elements(xmp: bytes, opening: re.Pattern[bytes]) -> bytes:
    at, pieces = 0, []
    for _ in range(_LARGEST_ELEMENTS):
        found = opening.search(xmp, at)
        if found is None:
            break
        end = _find_end(xmp, found)
        pieces.append(xmp[at : found.start()])
        at = end if end > 0 else found.end()
        if end <= 0:  # without an end: it stays
            pieces.append(found[0])
    return b"".join((*pieces, xmp[at:]))


def _find_end(xmp: bytes, opening: re.Match[bytes]) -> int:
    """Return the offset behind an element; 0 if it has no end."""
    tag_end = xmp.find(b">", opening.end())
    if xmp[tag_end - 1 : tag_end] == b"/":
        return tag_end + 1
    closing = xmp.find(b"</" + opening[1], opening.end())
    return xmp.find(b">", closing) + 1 if closing > 0 else 0
