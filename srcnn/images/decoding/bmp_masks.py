"""Decode a BMP whose pixels are divided by bit masks, of which Pillow knows the usual ones only.

https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapv5header
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.pixels import strips

HEADER_BYTES = 138  # of the file and of the longest form
_START = struct.Struct("<2s8xIIiiHHI")  # up to the compression
_MASKS = struct.Struct("<4I")
_MASKS_AT, _MASKS_BYTES = 54, 12
_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
_WITH_ALPHA_BYTES = 56  # a header of this size has a mask for alpha
_BITS = (16, 32)
# Red, green, blue and alpha of 32 bits, as Pillow reads them.
_USUAL = (0xFF0000, 0xFF00, 0xFF)
_USUAL_ALPHA = 0xFF000000


class Layout(NamedTuple):
    """The pixels of a BMP with masks: red, green, blue, alpha; height is negative from the top."""

    offset: int
    width: int
    height: int
    bits: int
    masks: tuple[int, ...]


def read_layout(start: bytes) -> Layout | None:
    """Read a header.

    Args:
        start: the first bytes of a file, `HEADER_BYTES` or more if it has as many.

    Returns:
        None of other files than BMP with masks of 16 or 32 bits.
    """
    if len(start) < _MASKS_AT + _MASKS.size or start[:2] != b"BM":
        return None
    _, offset, size, width, height, _, bits, compression = _START.unpack_from(start)
    if compression not in (_BITFIELDS, _ALPHA_BITFIELDS) or bits not in _BITS:
        return None
    red, green, blue, alpha = _MASKS.unpack_from(start, _MASKS_AT)
    if size < _WITH_ALPHA_BYTES and compression != _ALPHA_BITFIELDS:
        alpha = 0
    masks = (red, green, blue) if red | green | blue else _USUAL
    return Layout(offset, width, height, bits, (*masks, alpha))


def make_usual_header(start: bytes, layout: Layout) -> bytes:
    """Make a header of the same size and channels that Pillow reads, for a file without pixels."""
    alpha = _USUAL_ALPHA if layout.masks[3] else 0
    size = layout.width, layout.height
    body = struct.pack("<IiiHHI20x", 56, *size, 1, 32, _BITFIELDS) + _MASKS.pack(*_USUAL, alpha)
    return start[:10] + struct.pack("<I", 14 + len(body)) + body


def decode(data: bytes, layout: Layout) -> Any:
    """Decode pixels: BGR, or BGRA with straight alpha.

    Raises:
        DamagedImageError: a part is missing.
        UnsupportedImageError: a mask has gaps.
    """
    height, row_bytes = abs(layout.height), -(-layout.width * layout.bits // 32) * 4
    if len(data) < layout.offset + height * row_bytes:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    kind = np.dtype(f"<u{layout.bits // 8}")
    rows = np.frombuffer(data, np.uint8, height * row_bytes, layout.offset)
    stored: Any = rows.reshape(height, row_bytes).view(kind)[:, : layout.width]
    stored = stored if layout.height < 0 else stored[::-1]
    red, green, blue, alpha = layout.masks
    masks = (blue, green, red, alpha) if alpha else (blue, green, red)
    result = np.empty((height, layout.width, len(masks)), np.uint8)
    for part in strips(result):
        for channel, mask in enumerate(masks):
            result[part, :, channel] = _extract(stored[part], mask)
    return result


def _extract(stored: Any, mask: int) -> Any:
    """Scale the samples under a mask to 8 bits."""
    if not mask:
        return 0
    shift = (mask & -mask).bit_length() - 1
    white = mask >> shift
    if white & (white + 1):
        raise UnsupportedImageError(f"its mask {mask:#x} has gaps: save it again")
    samples = (stored.astype(np.uint32) & np.uint32(mask)) >> np.uint32(shift)
    return np.rint(samples * np.float64(255 / white))
