"""Decode AVIF with OpenCV, in its own depth, or with Pillow, where OpenCV does not know the file.

OpenCV takes a file for an AVIF if libavif accepts its first 500 bytes. It does not if an item that
it reads at once, such as EXIF or a grid, is behind them, and its directory is not. So the
directory is made longer. ISO/IEC 14496-12, section 8.11.3.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import opencv, pillow
from srcnn.images.decoding.avif_boxes import FULL_BOX, Cursor, Limit, list_boxes
from srcnn.images.pixels import scale_samples

_KNOWN_BYTES = 500  # that OpenCV looks at
_HEAD = 8  # bytes of a box before its content
_IN_FILE = 0  # construction_method
# AV1 in ISOBMFF, section 2.3.3: bits of the third byte of an AV1CodecConfigurationBox.
_CONFIGURATION, _HIGH_DEPTH, _TWELVE_BITS, _MONOCHROME = b"av1C", 0x40, 0x20, 0x10


def decode(data: bytes) -> Any:
    """Decode an AVIF: grey, BGR or BGRA; samples of 10 and 12 bits are scaled to 16.

    Args:
        data: the file's content, whose boxes were checked.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: OpenCV cannot decode it, and it has more than 8 bits.
    """
    try:
        pixels = _decode_by_opencv(data)
    except DamagedImageError as error:
        return _decode_by_pillow(data, error)
    if pixels.dtype != np.uint16:
        return pixels
    return scale_samples(pixels, 4095 if _read_flags(data) & _TWELVE_BITS else 1023, np.uint16)


def is_grey(data: bytes) -> bool:
    """Whether an AVIF declares itself grey."""
    return bool(_read_flags(data) & _MONOCHROME)


def _read_flags(data: bytes) -> int:
    at = data.find(_CONFIGURATION)
    return data[at + 6] if 0 <= at < len(data) - 6 else 0


def _decode_by_opencv(data: bytes) -> Any:
    try:
        return opencv.decode(data)
    except DamagedImageError:
        longer = lengthen_directory(data)
        if longer is data:
            raise
        return opencv.decode(longer)


def _decode_by_pillow(data: bytes, error: DamagedImageError) -> Any:
    with Image.open(io.BytesIO(data), formats=["AVIF"]) as image:
        pixels = pillow.decode(image)
    if _read_flags(data) & _HIGH_DEPTH:
        raise UnsupportedImageError(
            "an AVIF of this structure is supported in 8 bits only: save it again"
        ) from error
    return pixels


def lengthen_directory(data: bytes) -> bytes:
    """Make the directory of a file longer than what OpenCV looks at; no pixel changes.

    Args:
        data: the file's content.

    Returns:
        The same object if the directory is long, or of a rare form.
    """
    boxes = {kind: (start, end) for kind, start, end in list_boxes(data, 0, len(data), Limit())}
    start, end = boxes.get(b"meta", (0, 0))
    at = start - _HEAD
    if not 0 <= at < end < _KNOWN_BYTES or int.from_bytes(data[at:start]) >> 32 != end - at:
        return data
    padding = _KNOWN_BYTES.to_bytes(4) + b"free" + bytes(_KNOWN_BYTES - _HEAD)
    directory = bytearray(data[:end])
    directory[at : at + 4] = (end - at + len(padding)).to_bytes(4)
    for place, size, value in _find_offsets(data, start, end):
        directory[place : place + size] = (value + len(padding)).to_bytes(size)
    return bytes(directory) + padding + data[end:]


def _find_offsets(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield place, size and value of each offset to what is behind the directory."""
    inner = list_boxes(data, start + FULL_BOX, end, Limit())
    at = next((begin for kind, begin, _ in inner if kind == b"iloc"), None)
    if at is None:
        return
    version, sizes = data[at], int.from_bytes(data[at + 4 : at + 6])
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> by & 15 for by in (12, 8, 4, 0))
    cursor, wide = Cursor(data, at + FULL_BOX + 2), 4 if version == 2 else 2  # noqa: PLR2004
    for _ in range(cursor.take(wide)):
        cursor.take(wide)
        method = cursor.take(2) & 15 if version else _IN_FILE
        cursor.take(2)
        base = cursor.take(base_bytes)
        if method == _IN_FILE and base >= end:
            yield cursor.at - base_bytes, base_bytes, base
        for _ in range(cursor.take(2)):
            cursor.take(index_bytes if version else 0)
            offset = cursor.take(offset_bytes)
            if method == _IN_FILE and base < end <= base + offset:
                yield cursor.at - offset_bytes, offset_bytes, offset
            cursor.take(length_bytes)
