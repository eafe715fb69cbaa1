"""Decode WebP with OpenCV; of a lossless one, only its own chunk is handed over.

libwebp reads a lossless picture on into whatever follows its chunk, if data is missing there.
https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import opencv

_CHUNKS, _HEAD = 12, 8  # bytes of the file's header, and of a chunk's
_LOSSLESS = b"VP8L"
_LARGEST_CHUNKS = 1000  # a still picture has six kinds of them
_SMALLEST_BYTES = 32  # of a file, for OpenCV; one colour takes 26
_ZEROS = bytes(32)  # no encoder writes as many in a row
_SPARE_BYTES = 16  # that an encoder may write behind its last pixel


def decode(data: bytes, size: tuple[int, int]) -> Any:
    """Decode a still WebP: BGR or BGRA.

    Args:
        data: the file's content.
        size: width and height by the file's header.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    chunk = _find_lossless(data)
    if chunk is None:
        return opencv.decode(data)
    _check_size(chunk, size)
    pixels = _decode_chunk(chunk)
    if chunk.find(_ZEROS) >= 0 and not _is_complete(chunk):
        raise DamagedImageError("the file is damaged: a part of its data is zeros")
    return pixels


def _decode_chunk(chunk: bytes) -> Any:
    """Decode a lossless picture; one of fewer bytes than OpenCV takes is filled up, in two ways."""
    file = _wrap(chunk)
    if len(file) >= _SMALLEST_BYTES:
        return opencv.decode(file)
    pixels, others = (opencv.decode(file.ljust(_SMALLEST_BYTES, fill)) for fill in (b"\0", b"\xff"))
    if not np.array_equal(pixels, others):
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    return pixels


def _check_size(chunk: bytes, size: tuple[int, int]) -> None:
    """Compare sizes: 14 bits each, behind the signature (WebP lossless, section 3)."""
    numbers = int.from_bytes(chunk[1:5], "little")
    width, height = (numbers & 0x3FFF) + 1, (numbers >> 14 & 0x3FFF) + 1
    if (width, height) != size:
        raise DamagedImageError(
            f"its header says {size[0]}x{size[1]} px, but its picture has {width}x{height}"
        )


def _is_complete(chunk: bytes) -> bool:
    """Whether a picture with many zeros in its data needs the last bytes before or without them."""
    content = chunk.rstrip(b"\0")
    if len(chunk) - len(content) >= len(_ZEROS):  # padding, or blocks that were never written
        return _is_decodable(content + bytes(_SPARE_BYTES))
    return not _is_decodable(chunk[:-_SPARE_BYTES])


def _find_lossless(data: bytes) -> bytes | None:
    """Find the body of the lossless picture's chunk, which ends with the file's RIFF."""
    at, end = _CHUNKS, min(len(data), _HEAD + int.from_bytes(data[4:8], "little"))
    left = _LARGEST_CHUNKS
    while at + _HEAD <= end:
        left -= 1
        if left < 0:
            raise UnsupportedImageError(
                f"it has more than the {_LARGEST_CHUNKS} chunks that are read: save it again"
            )
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == _LOSSLESS:
            if at + _HEAD + length > end:
                raise DamagedImageError("the file is truncated: its picture ends behind its RIFF")
            return data[at + _HEAD : at + _HEAD + length]
        at += _HEAD + length + length % 2
    return None


def _wrap(chunk: bytes) -> bytes:
    """Make a file of one lossless chunk."""
    body = b"WEBP" + _LOSSLESS + len(chunk).to_bytes(4, "little") + chunk + bytes(len(chunk) % 2)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _is_decodable(chunk: bytes) -> bool:
    try:
        opencv.decode(_wrap(chunk))
    except DamagedImageError:
        return False
    return True
