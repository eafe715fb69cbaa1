"""Check how much the pixels of a PNG decompress to, before libpng does it without a limit.

PNG Specification, third edition: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from srcnn.errors import DamagedImageError

_HEADER = struct.Struct(">IIBBBBB")  # section 11.2.1
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by the colour type
# Section 8.2: first column and row of each pass, and the steps between them.
_WHOLE = ((0, 0, 1, 1),)
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_LARGEST_RATIO = 1032  # of deflate: 258 bytes take two bits
_SURPLUS_BYTES = 64 * 1024  # libpng ignores it, with a warning; some encoders add a little
_PIECE_BYTES = 64 * 1024


def check_length(header: memoryview, parts: list[memoryview]) -> None:
    """Refuse pixels that decompress to much more than the header says.

    What is missing or wrong is left to libpng, which reports it.

    Args:
        header: content of IHDR.
        parts: content of each IDAT.

    Raises:
        DamagedImageError: they decompress to more.
    """
    limit_bytes = _count_bytes(header) + _SURPLUS_BYTES
    if _LARGEST_RATIO * sum(map(len, parts)) > limit_bytes and _exceeds(parts, limit_bytes):
        raise DamagedImageError("the file is damaged: it has more pixels than its header says")


def _count_bytes(header: memoryview) -> int:
    """Bytes of the filtered rows of all passes (sections 7 and 9)."""
    if len(header) != _HEADER.size:
        raise DamagedImageError("the file is damaged: its header has a wrong size")
    width, height, depth, colours, _, _, interlaced = _HEADER.unpack(header)
    bits, total = depth * _SAMPLES.get(colours, 1), 0
    for left, top, across, down in _PASSES if interlaced else _WHOLE:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _exceeds(parts: Iterable[memoryview], limit_bytes: int) -> bool:
    """Decompress in pieces, of which none is kept, up to the limit."""
    stream, found = zlib.decompressobj(), 0
    try:
        for part in parts:
            for start in range(0, len(part), _PIECE_BYTES):
                piece: bytes | memoryview = part[start : start + _PIECE_BYTES]
                while piece and not stream.eof:
                    found += len(stream.decompress(piece, 16 * _PIECE_BYTES))
                    piece = stream.unconsumed_tail
                    if found > limit_bytes:
                        return True
    except zlib.error:  # libpng reports it
        return False
    return False
