"""The segments of a JPEG, and its size and colours (ITU T.81, annex B)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import simplejpeg

START, END_MARKER = b"\xff\xd8", b"\xff\xd9"
WARNING = "Corrupt JPEG data"  # jerror.h
SCAN, END = 0xDA, 0xD9
# Not after 0xFF within coded data: stuffed bytes, restart markers, TEM, which has no segment, and
# 0xFF padding before a marker are skipped.
SEGMENT = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])", re.DOTALL)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # B.1.1.3: tables, and reserved
_SIZE = struct.Struct(">xHHB")  # B.2.2


def list_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each segment, and the end marker; coded data is skipped.

    Segments may contain bytes that look like an end marker: thumbnails, comments and tables.

    Args:
        data: a JPEG's content.
    """
    at = len(START)
    while found := SEGMENT.search(data, at):
        kind, start = data[found.start() + 1], found.end()
        length = 0 if kind == END else int.from_bytes(data[start : start + 2])
        yield kind, data[start + 2 : start + length]
        if kind == END:
            return
        at = start + length


def quote_warning(text: str) -> str:
    """Return what libjpeg says about the coded data, in brackets; nothing of its other texts.

    Args:
        text: of an error.
    """
    return f" ({text})" if text.startswith(WARNING) else ""


def read_size(data: bytes) -> tuple[int, int, str]:
    """Read height, width, and the space of the colours as simplejpeg calls it.

    Args:
        data: a JPEG's content.

    Raises:
        ValueError: it is damaged, or libjpeg-turbo's simple interface does not take it.
    """
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except KeyError:  # it reads 4:4:1, but has no name for it
        frame = next((body for kind, body in list_segments(data) if kind in _FRAMES), b"")
        if len(frame) < _SIZE.size:
            raise ValueError("no frame header") from None
        height, width, _ = _SIZE.unpack_from(frame)
        space = "YCbCr"
    return height, width, space
