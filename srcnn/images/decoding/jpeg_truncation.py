"""Whether a JPEG's picture is whole: decoders make up what is missing, and say nothing."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

# Markers are 0xFF and one of these (ITU T.81, table B.1).
_MARK, _END, _SCAN = 0xFF, 0xD9, 0xDA
# After 0xFF within coded bits: the bits themselves, restarts, and TEM, which stands alone.
_STUFFED = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})
_BITS = b"\xaa" * 512
_RESTARTS = [bytes([0xFF, 0xD0 + count]) for count in range(8)]  # likewise: RST0 to RST7


def is_whole(data: bytes, image: Image.Image) -> bool:
    """Whether the coded picture is there to its last block.

    A picture that is cut has its end marker missing (a file that was allocated and never
    filled), or too early (a tool that "repaired" it). Where bits are missing, decoders read
    zeros, then leave blocks grey. So other bits are put before the end: they change what is
    made up, and nothing where nothing is. A progressive picture that lacks whole scans is a
    coarse one, not a cut one, and passes.

    Args:
        data: the file's content.
        image: the same, loaded by Pillow.
    """
    start, end = _coded(data)
    if end is None:
        return False
    # A decoder may be waiting for the next restart marker; 0xFF alone fills up before a marker.
    last = max(_RESTARTS, key=lambda marker: data.rfind(marker, start, end))
    restarted = data.find(last, start, end) >= 0
    expected = _RESTARTS[(_RESTARTS.index(last) + 1) % 8 if restarted else 0]
    changed = data[:end].rstrip(b"\xff") + _BITS + expected + _BITS + b"\xff\xd9"
    try:
        with Image.open(io.BytesIO(changed)) as other:
            return np.array_equal(np.asarray(other), np.asarray(image))
    except (OSError, SyntaxError):  # the bits were read as pixels
        return False


def _coded(data: bytes) -> tuple[int, int | None]:
    """Where the first scan begins, and where the end marker stands; None where there is none.

    Segments are walked: thumbnails before the first scan, and comments and tables between
    scans, may hold bytes that look like an end.
    """
    first, at = 0, 2
    while 0 <= at < len(data) - 1:
        kind = data[at + 1]
        if data[at] != _MARK or kind in _STUFFED or kind == _MARK:
            at = data.find(b"\xff", at + 1)  # coded bits, or any number of 0xFF before a marker
        elif kind == _END:
            return first, at
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
            first = first or (at if kind == _SCAN else 0)
    return first, None
