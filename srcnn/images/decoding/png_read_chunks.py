"""Read the chunks of a PNG, with their checksums, before it is decoded.

PNG Specification, third edition, section 5: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.cut_damaged_parts import Part
from srcnn.images.decoding.png_damaged_chunks import (
    FRAME_BYTES,
    SIGNATURE_BYTES,
    holds_pixels,
    is_sound,
    note_of,
)

# An IDAT of an encoder has kilobytes; a small file may have one for each byte.
_LARGEST_CHUNKS, _BYTES_PER_CHUNK = 10_000, 512


class Chunk(NamedTuple):
    """A chunk of a file.

    Attributes:
        start: offset of its first byte.
        end: offset behind its last byte.
        kind: its name.
        body: its content.
    """

    start: int
    end: int
    kind: bytes
    body: memoryview


def read_chunks(data: bytes, damaged: list[Part]) -> Iterator[Chunk]:
    """Yield each sound chunk of a file, up to the last.

    Args:
        data: the file's content.
        damaged: to which damaged chunks that hold no pixels are added.

    Raises:
        DamagedImageError: it is truncated, or a chunk that holds pixels is damaged.
        UnsupportedImageError: it has more chunks than are read.
    """
    view, at, kind = memoryview(data), SIGNATURE_BYTES, b""
    left = limit = _LARGEST_CHUNKS + len(data) // _BYTES_PER_CHUNK
    while kind != b"IEND":
        left -= 1
        if left < 0:
            raise UnsupportedImageError(
                f"it has more than the {limit} chunks that are read: save it again"
            )
        end = at + FRAME_BYTES + int.from_bytes(view[at : at + 4])
        kind = bytes(view[at + 4 : at + 8])
        if end > len(data):
            raise DamagedImageError("the file is truncated: its end is missing")
        body = view[at + 8 : end - 4]
        is_whole = zlib.crc32(view[at + 4 : end - 4]) == int.from_bytes(view[end - 4 : end])
        if not is_whole and holds_pixels(kind):
            raise DamagedImageError(
                f"the file is damaged: wrong checksum in {kind.decode('latin-1')}"
            )
        if holds_pixels(kind) or (is_whole and is_sound(kind, body)):
            yield Chunk(at, end, kind, body)
        else:
            damaged.append(Part(at, end, note_of(kind)))
        at = end
