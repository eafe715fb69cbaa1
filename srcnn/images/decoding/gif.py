"""Decode a still GIF with Pillow, once OpenCV has found that its pixels are complete.

Pillow ignores pixels that are missing or left over. OpenCV finds them, but also refuses what
browsers show: a missing end, long comments, a picture that is larger than its screen. So it is
given the picture alone. GIF89a: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

from __future__ import annotations

import io
import struct
from typing import Any

from PIL import Image

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import opencv, pillow
from srcnn.images.decoding.gif_codes import ends_with_its_code

_SCREEN = struct.Struct("<6sHHBBB")  # section 18
_PICTURE = struct.Struct("<xHHHHB")  # section 20
_EXTENSION, _SEPARATOR = 0x21, 0x2C
_HAS_TABLE, _INTERLACED = 0x80, 0x40
_END = b"\0;"  # of the pixels, and of the file
_FOLLOWING = (b";", b"!", b",")  # the end, or another block


def decode(data: bytes) -> Any:
    """Decode a still GIF: BGR or BGRA.

    Args:
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    try:
        start, pixels, end = _find_picture(data)
    except (IndexError, struct.error) as error:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing") from error
    _check_pixels(data, start, pixels, end)
    if data[end + 1 : end + 2] not in _FOLLOWING and not _is_ended(data, start, pixels, end):
        raise DamagedImageError("the file is truncated: its pixels do not end, nor does the file")
    with Image.open(io.BytesIO(data[:end] + _END), formats=["GIF"]) as image:
        return pillow.decode(image)


def _find_picture(data: bytes) -> tuple[int, int, int]:
    """Find the picture, its coded pixels, and their end, without their terminator."""
    at = _SCREEN.size + _measure_table(data[10])
    while data[at] != _SEPARATOR:
        at = _skip_blocks(data, at + 2) + 1 if data[at] == _EXTENSION else at + 1
    pixels = at + _PICTURE.size + _measure_table(data[at + _PICTURE.size - 1])
    return at, pixels, _skip_blocks(data, pixels + 1)


def _skip_blocks(data: bytes, at: int) -> int:
    """Return the place of the empty block that ends a list of blocks, or the end of the file."""
    while at < len(data) and data[at]:
        if at + 1 + data[at] > len(data):
            raise IndexError
        at += 1 + data[at]
    return at


def _measure_table(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & _HAS_TABLE else 0


def _is_ended(data: bytes, start: int, pixels: int, end: int) -> bool:
    _, _, width, height, _ = _PICTURE.unpack_from(data, start)
    return ends_with_its_code(data[pixels + 1 : end], data[pixels], width * height)


def _check_pixels(data: bytes, start: int, pixels: int, end: int) -> None:
    """Decode the picture alone, on a screen of its size, with a table for every index."""
    _, _, width, height, flags = _PICTURE.unpack_from(data, start)
    bits = max(1, min(8, data[pixels]))
    screen = _SCREEN.pack(b"GIF89a", width, height, _HAS_TABLE | bits - 1, 0, 0)
    picture = _PICTURE.pack(0, 0, width, height, flags & _INTERLACED)
    table = bytes(3 << bits)
    opencv.decode(screen + table + b"," + picture[1:] + data[pixels:end] + _END)
