"""Decode PNG: check its chunks, decode with OpenCV, and turn a transparent grey into alpha.

PNG Specification, third edition: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import opencv
from srcnn.images.pixels import GREY

_SIGNATURE = 8  # bytes
_FRAME = 12  # bytes of a chunk without its body: length, name, checksum; section 5.3
_DEPTH, _COLOUR_TYPE = 24, 25  # offsets in the file: section 11.2.1
_COLOURED = 2  # a bit of the colour type


def decode(data: bytes) -> tuple[Any, dict[int, bytes]]:
    """Decode pixels and metadata; gamma and significant bits are not applied.

    OpenCV finds metadata before and after the pixels; Pillow would have to decode them again.

    Returns:
        Grey, BGR or BGRA pixels, and the file's metadata blocks by OpenCV's metadata type.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    chunks = dict(_read_chunks(data))
    pixels, metadata = opencv.decode_with_metadata(data)
    if pixels.ndim == GREY and b"tRNS" in chunks:
        pixels = _add_alpha(pixels, int.from_bytes(chunks[b"tRNS"][:2]), data[_DEPTH])
    return pixels, metadata


def is_grey(data: bytes) -> bool:
    """Whether a PNG declares itself grey."""
    return not data[_COLOUR_TYPE] & _COLOURED


def _read_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name and body of each chunk; check the checksums of those that affect pixels."""
    view, at, kind = memoryview(data), _SIGNATURE, b""
    while kind != b"IEND":
        end = at + _FRAME + int.from_bytes(view[at : at + 4])
        kind = bytes(view[at + 4 : at + 8])
        if end > len(data):
            raise DamagedImageError("the file is truncated: its end is missing")
        needed = kind[:1].isupper() or kind == b"tRNS"  # critical chunks: section 5.4
        checksum = int.from_bytes(view[end - 4 : end])
        if needed and zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise DamagedImageError(
                f"the file is damaged: wrong checksum in {kind.decode('latin-1')}"
            )
        yield kind, view[at + 8 : end - 4]
        at = end


def _add_alpha(grey: Any, key: int, depth: int) -> Any:
    """Convert grey with one transparent level to BGRA with equal planes."""
    top = np.iinfo(grey.dtype).max
    level = key * (top // (2**depth - 1)) if depth < 8 else key  # noqa: PLR2004 - scaled to a byte
    alpha = np.where(grey == level, 0, top).astype(grey.dtype)
    return np.dstack([grey, grey, grey, alpha])
