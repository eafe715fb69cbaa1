"""PNG: its chunks checked, its pixels by OpenCV, its transparent colour as alpha.

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
_FRAME = 12  # bytes of a chunk besides its body: length, name, checksum; section 5.3
_DEPTH, _COLOUR_TYPE = 24, 25  # places in the file: section 11.2.1
_COLOURED = 2  # a bit of the colour type


def decoded(data: bytes) -> tuple[Any, dict[int, bytes]]:
    """Pixels and metadata: grey, BGR or BGRA; gamma and significant bits are not applied.

    OpenCV finds metadata on either side of the pixels; Pillow would have to decode them.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    chunks = dict(_chunks(data))
    pixels, metadata = opencv.decoded(data)
    if pixels.ndim == GREY and b"tRNS" in chunks:
        pixels = _with_alpha(pixels, int.from_bytes(chunks[b"tRNS"][:2]), data[_DEPTH])
    return pixels, metadata


def is_grey(data: bytes) -> bool:
    """Whether a PNG says that it has no colours."""
    return not data[_COLOUR_TYPE] & _COLOURED


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Every chunk with its body, up to the end; checksums of what shapes pixels are verified."""
    view, at, kind = memoryview(data), _SIGNATURE, b""
    while kind != b"IEND":
        end = at + _FRAME + int.from_bytes(view[at : at + 4])
        kind = bytes(view[at + 4 : at + 8])
        if end > len(data):
            raise DamagedImageError("the file is truncated: its last part is missing")
        needed = kind[:1].isupper() or kind == b"tRNS"  # critical chunks: section 5.4
        checksum = int.from_bytes(view[end - 4 : end])
        if needed and zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise DamagedImageError(
                f"the file is damaged: wrong checksum in {kind.decode('latin-1')}"
            )
        yield kind, view[at + 8 : end - 4]
        at = end


def _with_alpha(grey: Any, key: int, depth: int) -> Any:
    """Grey and alpha, as BGRA of equal planes, of a grey level that is transparent."""
    top = np.iinfo(grey.dtype).max
    level = key * (top // (2**depth - 1)) if depth < 8 else key  # noqa: PLR2004 - widened to a byte
    alpha = np.where(grey == level, 0, top).astype(grey.dtype)
    return np.dstack([grey, grey, grey, alpha])
