"""Find the size of the coded frames of an AVIF, which a decoder allocates whatever the header says.

ISO base media (ISO/IEC 14496-12, section 8.11) and AV1 (av1-spec, sections 5.3 and 5.5).
"""

from __future__ import annotations

from collections.abc import Iterator

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.avif_boxes import FULL_BOX, Cursor, Limit, list_boxes

_SEQUENCE_HEADER = 1  # obu_type
_IN_IDAT = 1  # construction_method
_TILE_PIXELS = 4_000_000  # a grid's tiles may be larger than what is cut from them


def check_frames(data: bytes, pixels: int) -> None:
    """Check that no coded frame is much larger than the picture.

    Args:
        data: the file's content.
        pixels: of the picture, by the file's header.

    Raises:
        DamagedImageError: a frame is larger, or the file's structure is damaged.
        UnsupportedImageError: it is a sequence, or has more parts than are read.
    """
    try:
        frames = list(_find_frames(data, Limit()))
    except IndexError as error:
        raise DamagedImageError("the file is damaged: its structure is cut off") from error
    for width, height in frames:
        if width * height > 2 * pixels + _TILE_PIXELS:
            raise DamagedImageError(
                f"its header says {pixels} pixels, but a frame has {width}x{height}"
            )


def _find_frames(data: bytes, limit: Limit) -> Iterator[tuple[int, int]]:
    for kind, start, end in list_boxes(data, 0, len(data), limit):
        if kind == b"moov":
            raise UnsupportedImageError("it is a sequence of frames: save it as a single image")
        if kind == b"meta":
            children = {
                name: (at, stop) for name, at, stop in list_boxes(data, start + 4, end, limit)
            }
            if b"iloc" in children and b"iinf" in children:
                idat = children.get(b"idat", (0, 0))[0]
                coded = _list_coded_items(data, *children[b"iinf"], limit)
                for number, item in _read_items(data, children[b"iloc"][0], idat, limit):
                    if number in coded:
                        yield from _read_sequence_headers(item, limit)


def _list_coded_items(data: bytes, at: int, end: int, limit: Limit) -> set[int]:
    """List the items that are AV1, not metadata or grids (section 8.11.6)."""
    coded = set()
    for _, start, _ in list_boxes(data, at + (8 if data[at] else 6), end, limit):
        wide = 4 if data[start] > 2 else 2  # noqa: PLR2004 - a version
        cursor = Cursor(data, start + FULL_BOX)
        number = cursor.take(wide)
        cursor.take(2)
        if cursor.take(4).to_bytes(4) == b"av01":
            coded.add(number)
    return coded


def _read_items(data: bytes, at: int, idat: int, limit: Limit) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each item (section 8.11.3); together no more than the file."""
    left = len(data)
    version, sizes = data[at], int.from_bytes(data[at + 4 : at + 6])
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> by & 15 for by in (12, 8, 4, 0))
    cursor = Cursor(data, at + FULL_BOX + 2)
    wide = 4 if version == 2 else 2  # noqa: PLR2004 - a version
    for _ in range(cursor.take(wide)):
        limit.count()
        number = cursor.take(wide)
        method = cursor.take(2) & 15 if version else 0
        cursor.take(2)
        base = cursor.take(base_bytes) + (idat if method == _IN_IDAT else 0)
        content = b""
        for _ in range(cursor.take(2)):
            limit.count()
            cursor.take(index_bytes if version else 0)
            start = base + cursor.take(offset_bytes)
            length = cursor.take(length_bytes) or len(data)
            content += data[start : start + min(length, left)]
            left -= min(length, left)
        yield number, content


def _read_sequence_headers(item: bytes, limit: Limit) -> Iterator[tuple[int, int]]:
    """Yield the largest frame of each sequence header."""
    at = 0
    while at < len(item):
        limit.count()
        head, at = item[at], at + 1
        at += head >> 2 & 1  # obu_extension_flag
        length, at = _read_leb128(item, at) if head & 2 else (len(item) - at, at)
        if head & 0x81:  # the forbidden and the reserved bit: not AV1
            return
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _read_frame_size(item[at : at + length])
        at += length


def _read_leb128(item: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        byte = item[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:  # noqa: PLR2004 - no more bytes follow
            break
    return value, at


def _read_frame_size(header: bytes) -> tuple[int, int]:
    """Read the largest width and height of a sequence header (section 5.5.1)."""
    bits = _Bits(header)
    bits.take(4)
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing_info_present_flag
        bits.take(64)
        if bits.take(1):  # equal_picture_interval
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros)
        if bits.take(1):  # decoder_model_info_present_flag
            delay_bits = bits.take(5) + 1
            bits.take(42)
    display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:  # noqa: PLR2004 - levels that have tiers
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delay and bits.take(1):
            bits.take(4)


class _Bits:
    """Reads numbers of bits."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data[:256]), 8 * len(data[:256])

    def take(self, count: int) -> int:
        """Read a number; raises `IndexError` at the end."""
        self._left -= count
        if self._left < 0:
            raise IndexError
        return self._value >> self._left & ((1 << count) - 1)
