"""The quality of a lossy WebP, by the quantiser in the header of its VP8 frame.

The weights for a JPEG of some quality suit a WebP too, whose quantiser loses as much. Which ones
suit best was measured on held-out pictures, at x2 and x3.

RFC 6386, sections 7 (the boolean decoder), 9.3 (segments), 9.6 (quantisers) and 14.1 (their steps).
https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Protocol

import numpy as np

from srcnn.graphs.graph_format import CLEAN

_CHUNKS, _HEAD = 12, 8  # bytes of the file's header, and of a chunk's
_LOSSY = b"VP8 "
_MOST_CHUNKS = 8  # before the picture: VP8X, ICCP, ANIM, ALPH
_START_CODE, _FRAME_BYTES = b"\x9d\x01\x2a", 10
_READ_BYTES = 64  # of the frame: its header takes about 30
_SEGMENTS, _MAP_BITS = 4, 3
_LARGEST = 127
# The JPEG quality whose weights gained most, by quantiser index.
_QUANTISERS = (0, 2, 6, 12, 18, 28, 35, 47, 64, 88, 127)
_QUALITIES = (100, 99, 98, 97, 95.5, 92, 88, 79, 66, 50, 30)


class File(Protocol):
    """What is read."""

    def seek(self, place: int, /) -> int:
        """Move to a place."""

    def read(self, size: int, /) -> bytes:
        """Read some bytes."""


def find_webp_quality(file: File) -> float:
    """Find the quality of a WebP: that of a JPEG which lost as much.

    Args:
        file: a WebP; it is read from its start.

    Returns:
        30 to 100, in steps of 0.1; 100 for a lossless WebP too.
    """
    quantiser = read_quantiser(file)
    if quantiser is None:
        return CLEAN
    return round(float(np.interp(quantiser, _QUANTISERS, _QUALITIES)), 1)


def read_quantiser(file: File) -> float | None:
    """Read the quantiser index of a picture; the mean over its segments if it has several.

    Args:
        file: a WebP; it is read from its start.

    Returns:
        0 (finest) to 127; None for a file that is not a lossy WebP.
    """
    frame = _find_frame(file)
    is_key_frame = len(frame) > _FRAME_BYTES and not frame[0] & 1
    if not is_key_frame or frame[3:6] != _START_CODE:
        return None
    return _parse_quantiser(_BooleanDecoder(frame[_FRAME_BYTES:]))


def _find_frame(file: File) -> bytes:
    """Return the first bytes of the lossy picture; none if there is none."""
    at = _CHUNKS
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(_HEAD)
        if len(head) < _HEAD:
            break
        if head[:4] == _LOSSY:
            return file.read(_READ_BYTES)
        length = int.from_bytes(head[4:], "little")
        at += _HEAD + length + length % 2
    return b""


class _BooleanDecoder:
    """Section 7.3, one bit at a time, for the bits of a header: all have the probability 1/2."""

    def __init__(self, data: bytes) -> None:
        self._bits = _list_bits(data)
        self._range, self._value = 255, 0
        for _ in range(2 * _HEAD):
            self._value = self._value << 1 | next(self._bits)

    def read(self, bits: int = 1) -> int:
        number = 0
        for _ in range(bits):
            number = number << 1 | self._read_bit()
        return number

    def read_signed(self, bits: int) -> int:
        """Read a magnitude, and then its sign."""
        magnitude = self.read(bits)
        return -magnitude if self.read() else magnitude

    def _read_bit(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = int(self._value >= split << 8)
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:  # noqa: PLR2004 - section 7.3
            self._range <<= 1
            self._value = self._value << 1 | next(self._bits)
        return bit


def _list_bits(data: bytes) -> Iterator[int]:
    for byte in data:
        for place in range(7, -1, -1):
            yield byte >> place & 1
    while True:  # a truncated file: its decoder will refuse it
        yield 0


def _parse_quantiser(header: _BooleanDecoder) -> float:
    """Parse the header of a key frame up to its quantiser (section 9.2 to 9.6)."""
    header.read(2)  # colour space, clamping
    is_absolute, segments = _parse_segments(header) if header.read() else (False, [])
    header.read(1 + 6 + 3)  # of the loop filter: type, level, sharpness
    if header.read() and header.read():  # adjustments of the loop filter, which change
        for _ in range(8):
            if header.read():
                header.read_signed(6)
    header.read(2)  # partitions
    base = header.read(7)
    each = [value if is_absolute else base + value for value in segments] or [base]
    return fmean(min(max(value, 0), _LARGEST) for value in each)


def _parse_segments(header: _BooleanDecoder) -> tuple[bool, list[int]]:
    """Parse whether the segments' quantisers are absolute, and these, if there are any."""
    has_map, has_data = header.read(), header.read()
    is_absolute, quantisers = False, []
    if has_data:
        is_absolute = bool(header.read())
        quantisers = [header.read_signed(7) if header.read() else 0 for _ in range(_SEGMENTS)]
        for _ in range(_SEGMENTS):
            if header.read():
                header.read_signed(6)  # of the loop filter
    if has_map:
        for _ in range(_MAP_BITS):
            if header.read():
                header.read(8)
    return is_absolute, quantisers
