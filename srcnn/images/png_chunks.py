"""Chunks of a PNG: found, made, and put into a file.

PNG Specification, third edition, section 5: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_SIGNATURE_BYTES, _HEAD_BYTES, _CHECKSUM_BYTES = 8, 8, 4
_FIRST = 33  # behind IHDR, which has 13 bytes and comes first: sections 5.6 and 11.2.1
# As the decoder, which refuses files with more.
_LARGEST_CHUNKS, _BYTES_PER_CHUNK = 10_000, 512


def list_chunks(data: bytes, wanted: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of some chunks, if their checksums are right.

    Args:
        data: the file's content; nothing is yielded from where it is damaged.
        wanted: names.
    """
    names, at = frozenset(wanted), _SIGNATURE_BYTES
    for _ in range(_LARGEST_CHUNKS + len(data) // _BYTES_PER_CHUNK):
        kind = data[at + 4 : at + _HEAD_BYTES]
        end = at + _HEAD_BYTES + int.from_bytes(data[at : at + 4])
        if kind == b"IEND" or end + _CHECKSUM_BYTES > len(data):
            return
        if kind in names:
            body = data[at + _HEAD_BYTES : end]
            if zlib.crc32(kind + body) == int.from_bytes(data[end : end + _CHECKSUM_BYTES]):
                yield kind, body
        at = end + _CHECKSUM_BYTES


def make_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and its checksum."""
    checksum = zlib.crc32(kind + body).to_bytes(_CHECKSUM_BYTES)
    return len(body).to_bytes(4) + kind + body + checksum


def insert_chunks(content: bytes, chunks: Iterable[bytes]) -> bytes:
    """Put chunks before the palette and the pixels of a file, where any kind may be.

    Args:
        content: of the file.
        chunks: from `make_chunk`.
    """
    added = b"".join(chunks)
    return b"".join((content[:_FIRST], added, memoryview(content)[_FIRST:])) if added else content
