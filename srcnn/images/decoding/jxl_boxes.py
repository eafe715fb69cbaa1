"""The boxes of a JPEG XL file, ISO/IEC 18181-2: the coded picture, EXIF and XMP.

A file may also be the coded picture alone. Its boxes are those of AVIF and HEIC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import cv2

from srcnn.images.decoding.avif_boxes import Limit, list_boxes
from srcnn.images.jxl_encoding import CODESTREAM

_BOX, _LONG_BOX = 8, 16  # bytes before the content of a box
_PART_NUMBER = 4  # bytes before the codestream in a box of a part
_SKIPPED = {b"jxlc": 0, b"jxlp": _PART_NUMBER}
_EXIF_OFFSET = 4  # bytes before an EXIF block, that say how many more there are
_LARGEST_BYTES = 16 * 2**20  # of a decompressed block
_KINDS = {b"Exif": cv2.IMAGE_METADATA_EXIF, b"xml ": cv2.IMAGE_METADATA_XMP}


def read_codestream_start(file: IO[bytes], count: int) -> bytes:
    """Read the first bytes of the coded picture; fewer if it has fewer.

    Args:
        file: at its start; local or remote, so what lies between is not read.
        count: of bytes to read.

    Raises:
        UnsupportedImageError: it has too many boxes.
    """
    start = file.read(len(CODESTREAM))
    if start == CODESTREAM:
        return start + file.read(count - len(start))
    found, at, limit = b"", 0, Limit()
    while len(found) < count:
        limit.count()
        file.seek(at)
        head = file.read(_LONG_BOX)
        length, kind, before = int.from_bytes(head[:4]), head[4:_BOX], _BOX
        if length == 1:
            length, before = int.from_bytes(head[_BOX:]), _LONG_BOX
        if len(head) < _BOX or 0 < length < before:
            break
        if kind in _SKIPPED:
            skipped = before + _SKIPPED[kind]
            file.seek(at + skipped)
            wanted = count - len(found)
            found += file.read(min(max(length - skipped, 0), wanted) if length else wanted)
        if not length:  # to the end of the file
            break
        at += length
    return found


def read_metadata(data: bytes) -> dict[int, bytes]:
    """Read EXIF and XMP, the first block of each; what is damaged is left out.

    Args:
        data: the file's content.

    Returns:
        The blocks by OpenCV's metadata type.

    Raises:
        UnsupportedImageError: it has too many boxes.
    """
    found: dict[int, bytes] = {}
    for kind, block in _list_blocks(data):
        offset = int.from_bytes(block[:_EXIF_OFFSET])
        content = block[_EXIF_OFFSET + offset :] if kind == b"Exif" else block
        if content:
            found.setdefault(int(_KINDS[kind]), content)
    return found


def _list_blocks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if data.startswith(CODESTREAM):
        return
    for kind, start, end in list_boxes(data, 0, len(data), Limit()):
        if kind in _KINDS:
            yield kind, data[start:end]
        elif kind == b"brob" and data[start : start + 4] in _KINDS:
            yield data[start : start + 4], _decompress(data[start + 4 : end])


def _decompress(compressed: bytes) -> bytes:
    """Decompress a block; empty if it is damaged or too large."""
    import brotli  # noqa: PLC0415 - of an extra

    decompressor = brotli.Decompressor()
    try:
        block: bytes = decompressor.process(compressed, output_buffer_limit=_LARGEST_BYTES)
    except brotli.error:
        return b""
    return block if decompressor.is_finished() else b""
