"""Complete a JPEG that lacks its end marker alone; one that lacks a part of its pixels is refused.

ITU T.81, annexes B and G.
"""

from __future__ import annotations

import simplejpeg

from srcnn.errors import DamagedImageError
from srcnn.images.decoding.jpeg_segments import (
    END,
    END_MARKER,
    SCAN,
    START,
    list_segments,
    quote_warning,
    read_size,
)
from srcnn.images.decoding.jpeg_truncation import check_scans

_FRAMES = (0xC0, 0xC1, 0xC2)  # with Huffman codes; others have no sign of a missing part
_COEFFICIENTS = 64
_LAST_BYTE = b"\xff\0"
_SPACES = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}
TRUNCATED = "the file is truncated: a part of the JPEG data is missing"


def add_end(data: bytes) -> bytes:
    """Add the end marker to a JPEG that has none, in place of zeros behind its data.

    Args:
        data: a file's content.

    Returns:
        The same object if it is another kind of file, or has its end marker, or no pixels.
    """
    if data[:2] != START or data.endswith(END_MARKER):
        return data
    kinds = {kind for kind, _ in list_segments(data)}
    if END in kinds or SCAN not in kinds:
        return data
    content = data.rstrip(b"\0")
    # 0xFF of coded data is followed by a zero; here it may also be half of the marker.
    return content + b"\0" * content.endswith(b"\xff") + END_MARKER


def check_is_whole(data: bytes) -> None:
    """Check that not a bit of the pixels is missing before an end marker that was added.

    libjpeg warns when a block needs bits that are not there. What it cannot see is that a
    whole scan is missing.

    Args:
        data: a JPEG's content.

    Raises:
        DamagedImageError: a part is missing, or something else is unusual.
        UnsupportedImageError: it has too many scans.
    """
    check_scans(data)
    if not _has_all_scans(data):
        raise DamagedImageError(TRUNCATED)
    try:
        space = read_size(data)[2]
    except ValueError:  # sizes of components that it does not take: left to `is_complete`
        return
    warning = _find_warning(data, space)
    if warning and data.endswith(_LAST_BYTE + END_MARKER):
        warning = _find_warning(data.removesuffix(_LAST_BYTE + END_MARKER) + END_MARKER, space)
    if warning:
        raise DamagedImageError(TRUNCATED + quote_warning(warning))


def _find_warning(data: bytes, space: str) -> str:
    try:
        simplejpeg.decode_jpeg(data, _SPACES.get(space, "BGR"))
    except ValueError as error:
        return str(error)
    return ""


def _has_all_scans(data: bytes) -> bool:
    """Whether there is a scan for each bit of each coefficient of each component."""
    missing = {(-1, 0)}  # until there is a frame of components
    for kind, body in list_segments(data):
        if kind in _FRAMES and len(body) > 5:  # noqa: PLR2004 - B.2.2: depth, size, count
            components = body[6 : 6 + 3 * body[5] : 3]
            missing = {(one, place) for one in components for place in range(_COEFFICIENTS)}
        elif kind == SCAN and body and len(body) == 4 + 2 * body[0]:  # B.2.3
            first, last, bits = body[-3:]
            if bits & 15 == 0:  # its lowest bit: G.1.1.1
                chosen = body[1:-3:2]
                missing -= {(one, place) for one in chosen for place in range(first, last + 1)}
        elif kind == END:
            return not missing
        elif kind == SCAN:
            return False
    return False
