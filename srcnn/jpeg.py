"""Whether a JPEG's picture is whole: decoders make up what is missing, and say nothing."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

_END = b"\xff\xd9"  # ITU T.81, annex B: marker EOI
_SCAN = b"\xda"  # likewise: second byte of marker SOS
_BITS = b"\xaa" * 512
# With the restart markers RST0 to RST7, one of which a decoder may be waiting for.
_PADDING = _BITS + b"".join(bytes([0xFF, 0xD0 + count]) + _BITS for count in range(8))


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
    end = data.find(_END, _first_scan(data))
    if end < 0:
        return False
    with Image.open(io.BytesIO(data[:end] + _PADDING + _END)) as padded:
        try:
            return np.array_equal(np.asarray(padded), np.asarray(image))
        except (OSError, SyntaxError):  # the bits were read as pixels
            return False


def _first_scan(data: bytes) -> int:
    """Where the coded picture begins: 0xFF is escaped from there on; before it are thumbnails."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != _SCAN:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return at
