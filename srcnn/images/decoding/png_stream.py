"""Check the pixels of a PNG before libpng, which has no limit and writes to standard error.

PNG Specification, third edition: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

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
_LAST_FILTER = 4  # section 9.2
_SURPLUS_BYTES = 64 * 1024  # some encoders add a little
_PIECE_BYTES = 64 * 1024


def check_stream(header: memoryview, parts: list[memoryview]) -> bool:
    """Check that pixels decompress to what the header says, with their checksum.

    Args:
        header: content of IHDR.
        parts: content of each IDAT.

    Returns:
        Whether something is left over, which libpng would warn about.

    Raises:
        DamagedImageError: the header is wrong, or the pixels are fewer, many more, or damaged.
    """
    passes = _list_passes(header)
    expected = sum(row_bytes * rows for row_bytes, rows in passes)
    stream, found = zlib.decompressobj(), 0
    try:
        for piece in _decompress(stream, parts):
            if _has_wrong_filter(piece, found, passes):
                raise DamagedImageError("the file is damaged: a row of its pixels has no filter")
            found += len(piece)
            if found > expected + _SURPLUS_BYTES:
                raise DamagedImageError(
                    "the file is damaged: it has more pixels than its header says"
                )
    except zlib.error as error:
        raise DamagedImageError("the file is damaged: its pixels cannot be decompressed") from error
    if found < expected or not stream.eof:
        raise DamagedImageError("the file is truncated or damaged: a part of its pixels is missing")
    return found > expected or bool(stream.unused_data)


def trim(header: memoryview, parts: list[memoryview]) -> bytes:
    """Compress checked pixels again, without what is left over.

    Args:
        header: content of IHDR.
        parts: content of each IDAT.
    """
    left = sum(row_bytes * rows for row_bytes, rows in _list_passes(header))
    coder, coded = zlib.compressobj(1), []
    for piece in _decompress(zlib.decompressobj(), parts):
        coded.append(coder.compress(piece[:left]))
        left -= min(left, len(piece))
    return b"".join((*coded, coder.flush()))


def _list_passes(header: memoryview) -> list[tuple[int, int]]:
    """List the bytes of a filtered row, and the rows, of each pass (sections 7 to 9)."""
    if len(header) != _HEADER.size:
        raise DamagedImageError("the file is damaged: its header has a wrong size")
    width, height, depth, colours, method, filters, interlaced = _HEADER.unpack(header)
    if method or filters or interlaced > 1:
        raise DamagedImageError("the file is damaged: its header has a method that does not exist")
    bits, found = depth * _SAMPLES.get(colours, 1), []
    for left, top, across, down in _PASSES if interlaced else _WHOLE:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            found.append((1 + -(-columns * bits // 8), rows))
    return found


def _decompress(stream: zlib._Decompress, parts: list[memoryview]) -> Iterator[bytes]:
    """Yield pieces of the pixels, none of which is kept."""
    for part in parts:
        for start in range(0, len(part), _PIECE_BYTES):
            piece: bytes | memoryview = part[start : start + _PIECE_BYTES]
            while piece and not stream.unused_data:
                yield stream.decompress(piece, 16 * _PIECE_BYTES)
                piece = stream.unconsumed_tail


def _has_wrong_filter(piece: bytes, at: int, passes: list[tuple[int, int]]) -> bool:
    """Whether the first byte of a row in a piece, which begins at an offset, is no filter."""
    for row_bytes, rows in passes:
        end = row_bytes * rows
        first = -at % row_bytes if at > 0 else -at
        if at < end and max(piece[first : max(0, end - at) : row_bytes], default=0) > _LAST_FILTER:
            return True
        at -= end
    return False
