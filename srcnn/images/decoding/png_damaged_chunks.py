"""Damaged chunks of a PNG that hold no pixels; libpng and browsers ignore them.

PNG Specification, third edition: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import zlib
from typing import IO

from srcnn.images.decoding.cut_damaged_parts import Part
from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.icc import is_readable

SIGNATURE_BYTES = 8
FRAME_BYTES = 12  # of a chunk without its body: length, name, checksum; section 5.3
_HEAD_BYTES = 8
_START = b"\x89PNG"
# Bytes of the chunks that have always as many (section 11.3).
_LENGTHS = {
    b"gAMA": (4,),
    b"cHRM": (32,),
    b"sRGB": (1,),
    b"cICP": (4,),
    b"mDCV": (24,),
    b"cLLI": (8,),
    b"pHYs": (9,),
    b"tIME": (7,),
    b"sBIT": (1, 2, 3, 4),
    b"bKGD": (1, 2, 6),
    b"acTL": (8,),
}
_LONGEST_NAME = 79
_LARGEST_PROFILE_BYTES = 2**20  # Pillow refuses larger ones
_LARGEST_CHUNKS = 10_000


def holds_pixels(kind: bytes) -> bool:
    """Whether a chunk decides what the pixels are: critical ones (section 5.4), and tRNS."""
    return kind[:1].isupper() or kind == b"tRNS"


def is_sound(kind: bytes, body: bytes | memoryview) -> bool:
    """Whether readers can take the content of a chunk that holds no pixels."""
    if kind == b"iCCP":
        return _is_profile(bytes(body))
    lengths = _LENGTHS.get(kind)
    return lengths is None or len(body) in lengths


def note_of(kind: bytes) -> str:
    """Return the note about a chunk that is left out."""
    name = kind.decode("ascii", "replace")
    return f"a damaged {name} chunk, which holds no pixels, was dropped"


def find_damaged(file: IO[bytes] | BoundedFile) -> list[Part]:
    """Find the damaged chunks before the pixels.

    Args:
        file: at its start; it is anywhere afterwards.

    Returns:
        Those that hold no pixels, in order; none of other files than PNG.
    """
    found: list[Part] = []
    at = SIGNATURE_BYTES if file.read(SIGNATURE_BYTES)[:4] == _START else -1
    for _ in range(_LARGEST_CHUNKS if at > 0 else 0):
        head = file.read(_HEAD_BYTES)
        length, kind = int.from_bytes(head[:4]), head[4:]
        if len(head) < _HEAD_BYTES or kind in (b"IDAT", b"IEND"):
            break
        body, checksum = file.read(length), file.read(4)
        end = at + FRAME_BYTES + length
        is_whole = int.from_bytes(checksum) == zlib.crc32(kind + body)
        if not holds_pixels(kind) and not (is_whole and is_sound(kind, body)):
            found.append(Part(at, end, note_of(kind)))
        at = end
    return found


def _is_profile(body: bytes) -> bool:
    """Whether a chunk has a name, the one method, and a profile that can be decompressed."""
    name, _, rest = body.partition(b"\0")
    if not 1 <= len(name) <= _LONGEST_NAME or rest[:1] != b"\0":
        return False
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(rest[1:], _LARGEST_PROFILE_BYTES)
    except zlib.error:
        return False
    is_large = len(profile) == _LARGEST_PROFILE_BYTES  # which is refused by its size
    return is_large or (stream.eof and is_readable(profile))
