"""Decode PNM: bits, greys and colours, as text or as bytes, with any maximum value.

Netpbm formats: https://netpbm.sourceforge.net/doc/
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from srcnn.errors import DamagedImageError
from srcnn.images.pixels import scale_samples

# Magic number, width, height and, unless its samples are bits, maximum value. A comment ends with
# its line. Nothing is tried again (`++`), so time and memory follow the length of the header.
_SPACE = rb"(?:\s|#[^\n\r]*+[\n\r])++"
_HEADER = re.compile(rb"(P[1-6])" + 2 * (_SPACE + rb"(\d+)"))
_MAXIMUM = re.compile(_SPACE + rb"(\d+)")
_COMMENT = re.compile(rb"(?:#[^\n\r]*+\s*+)++")  # with all that follow it
_BITS, _BYTES, _COLOURS = (b"P1", b"P4"), (b"P4", b"P5", b"P6"), (b"P3", b"P6")
_ONE_BYTE = 255
_WHITE = 65_535


def is_pnm(start: bytes) -> bool:
    """Whether a file starts as a PNM."""
    return start[:1] == b"P" and start[1:2] in b"123456" and len(start) > 1


def has_header(start: bytes) -> bool:
    """Whether the first bytes of a PNM contain its size, after any comments."""
    return _HEADER.match(start) is not None


def decode(data: bytes) -> Any:
    """Decode a PNM: grey or BGR; 16 bits where its maximum value is above 255.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    header = _HEADER.match(data)
    if header is None:
        raise DamagedImageError("its header is damaged: expected P1 to P6 and a size")
    kind, width, height = header[1], int(header[2]), int(header[3])
    if kind in _BITS:
        return _decode_bits(data, kind, width, height, header.end())
    maximum = _MAXIMUM.match(data, header.end())
    white = int(maximum[1]) if maximum else 0
    if maximum is None or not 1 <= white <= _WHITE:
        raise DamagedImageError(f"its header is damaged: the maximum value is {white}")
    shape = (height, width, 3) if kind in _COLOURS else (height, width)
    samples = _read_samples(data, kind, white, int(np.prod(shape)), maximum.end())
    pixels = samples.reshape(shape)
    pixels = pixels[:, :, ::-1] if kind in _COLOURS else pixels
    return scale_samples(pixels, white, np.uint16 if white > _ONE_BYTE else np.uint8)


def _read_samples(data: bytes, kind: bytes, white: int, count: int, start: int) -> Any:
    if kind not in _BYTES:
        return _read_text(data, white, count, start)
    depth = np.dtype(np.uint8 if white <= _ONE_BYTE else ">u2")
    if len(data) < start + 1 + count * depth.itemsize:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    return np.frombuffer(data, depth, count, start + 1)


def _read_text(data: bytes, white: int, count: int, start: int) -> Any:
    """Read numbers; the shortest takes two bytes, which bounds the memory for them."""
    text = _COMMENT.sub(b" ", data[start:])
    if len(text) // 2 < count:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    if text.translate(None, b"0123456789 \t\n\v\f\r"):
        raise DamagedImageError("the file is damaged: its pixels are not numbers")
    samples = np.fromstring(text.decode("ascii"), np.uint32, sep=" ")[:count]
    if len(samples) < count:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    if samples.max(initial=0) > white:
        raise DamagedImageError(f"the file is damaged: a sample is larger than {white}")
    return samples


def _decode_bits(data: bytes, kind: bytes, width: int, height: int, start: int) -> Any:
    """Decode black, which is 1, and white."""
    if kind == b"P4":
        row_bytes = -(-width // 8)
        if len(data) < start + 1 + height * row_bytes:
            raise DamagedImageError("the file is truncated: a part of its pixels is missing")
        packed = np.frombuffer(data, np.uint8, height * row_bytes, start + 1)
        bits = np.unpackbits(packed.reshape(height, row_bytes), axis=1, count=width)
        return (bits ^ 1) * np.uint8(_ONE_BYTE)
    digits = _COMMENT.sub(b" ", data[start:]).translate(None, b" \t\n\v\f\r")[: width * height]
    if len(digits) < width * height:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    if digits.translate(None, b"01"):
        raise DamagedImageError("the file is damaged: its pixels are not bits")
    values = np.frombuffer(digits, np.uint8).reshape(height, width)
    return (values == ord("0")) * np.uint8(_ONE_BYTE)
