"""Detect truncated JPEGs: decoders fill in missing data, and do not report it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

# Markers are 0xFF and one of these (ITU T.81, table B.1).
_MARK, _END, _SCAN = 0xFF, 0xD9, 0xDA
# After 0xFF within coded data: a stuffed byte, restart markers, and TEM, which has no segment.
_STUFFED = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})
_BITS = b"\xaa" * 512
_RESTARTS = [bytes([0xFF, 0xD0 + count]) for count in range(8)]  # RST0 to RST7


def is_complete(data: bytes, image: Image.Image) -> bool:
    """Whether the coded data is present up to the last block.

    In a truncated image, the end marker is missing (a file that was allocated and never filled),
    or too early (a tool that "repaired" it). Decoders read missing bits as zeros, and then leave
    blocks grey. So this decodes again with other bits before the end marker: they change
    blocks that were filled in, and no others. A progressive image without some of its scans is
    coarse, not truncated, and passes.

    Args:
        data: the file's content.
        image: the same file, loaded by Pillow.
    """
    start, end = _find_coded_data(data)
    if end is None:
        return False
    # The decoder may expect the next restart marker; 0xFF bytes before a marker are padding.
    last = max(_RESTARTS, key=lambda marker: data.rfind(marker, start, end))
    restarted = data.find(last, start, end) >= 0
    expected = _RESTARTS[(_RESTARTS.index(last) + 1) % 8 if restarted else 0]
    changed = data[:end].rstrip(b"\xff") + _BITS + expected + _BITS + b"\xff\xd9"
    try:
        with Image.open(io.BytesIO(changed)) as other:
            return np.array_equal(np.asarray(other), np.asarray(image))
    except (OSError, SyntaxError):  # the bits were decoded as pixels
        return False


def _find_coded_data(data: bytes) -> tuple[int, int | None]:
    """Find the start of the first scan, and the end marker; None if there is no end marker.

    Walks the segments, because thumbnails before the first scan, and comments and tables between
    scans, may contain bytes that look like an end marker.
    """
    first, at = 0, 2
    while 0 <= at < len(data) - 1:
        kind = data[at + 1]
        if data[at] != _MARK or kind in _STUFFED or kind == _MARK:
            at = data.find(b"\xff", at + 1)  # coded data, or 0xFF padding before a marker
        elif kind == _END:
            return first, at
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
            first = first or (at if kind == _SCAN else 0)
    return first, None
