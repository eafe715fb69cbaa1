"""Whether a JPEG's picture is whole: decoders make up what is missing, and say nothing."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

_END = b"\xff\xd9"  # ITU T.81, annex B: marker EOI
_SCAN = b"\xda"  # likewise: second byte of marker SOS
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
    start = _first_scan(data)
    end = data.find(_END, start)
    if end < 0:
        return False
    # A decoder may be waiting for the next restart marker; 0xFF alone fills up before a marker.
    last = max(_RESTARTS, key=lambda marker: data.rfind(marker, start, end))
    restarted = data.find(last, start, end) >= 0
    expected = _RESTARTS[(_RESTARTS.index(last) + 1) % 8 if restarted else 0]
    changed = data[:end].rstrip(b"\xff") + _BITS + expected + _BITS + _END
    try:
        with Image.open(io.BytesIO(changed)) as other:
            return np.array_equal(np.asarray(other), np.asarray(image))
    except (OSError, SyntaxError):  # the bits were read as pixels
        return False


def _first_scan(data: bytes) -> int:
    """Where the coded picture begins: 0xFF is escaped from there on; before it are thumbnails."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != _SCAN:
        filled = data[at + 1 : at + 2] == b"\xff"  # any number of 0xFF may stand before a marker
        at += 1 if filled else 2 + int.from_bytes(data[at + 2 : at + 4])
    return at
