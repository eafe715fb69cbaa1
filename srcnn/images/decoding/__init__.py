"""Image files read: whole, upright and in their own depth, or refused.

Pillow reads the headers. Each format is then decoded once, by the library that is fastest
among those that refuse whatever is not whole: `docs/formats.md` says which, and why.
"""

from __future__ import annotations

import io

import numpy as np

from srcnn.errors import DamagedImageError, SourceChangedError
from srcnn.geometry import Size
from srcnn.images.decoding.dispatch import Found, found_in
from srcnn.images.decoding.header import Header, header_of, opened, read_header
from srcnn.images.decoding.orientation import orientation_in, put_upright
from srcnn.images.formats import Picture
from srcnn.images.metadata import metadata_of
from srcnn.images.pixels import GREY, check_picture

__all__ = ["Header", "decode", "read_header"]


def decode(data: bytes, expected: Size | None = None) -> Picture:
    """Decode a whole file.

    Args:
        data: the file's content.
        expected: the size that it was planned with; another one is refused before any pixel
            has memory.

    Raises:
        DamagedImageError: it is truncated or damaged; a partial picture is never returned.
        UnsupportedImageError: its pixels are of a kind that is not handled.
        SourceChangedError: its size is not the expected one.
    """
    file = io.BytesIO(data)
    with opened(file) as image:
        size = header_of(image, file).size
        if expected is not None and size != expected:
            raise SourceChangedError(
                f"it had {expected} px when the run was planned, now {size}: run again"
            )
        orientation = orientation_in(image, file)
        found = found_in(image, data)
    check_picture(found.pixels)
    pixels = put_upright(found.pixels, orientation)
    if pixels.shape[:2] != size:
        raise DamagedImageError(f"its header says {size}, its pixels are {pixels.shape[:2]}")
    return Picture(
        pixels,
        metadata_of(found.metadata, map(memoryview, found.metadata.values()), orientation),
        notes=found.notes,
        is_grey=pixels.ndim == GREY or (found.is_grey and _is_grey(found)),
    )


def _is_grey(found: Found) -> bool:
    """Whether three planes of a grey file are one indeed; a decoder may tint its greys."""
    blue, green, red = (found.pixels[:, :, plane] for plane in range(3))
    return np.array_equal(blue, green) and np.array_equal(green, red)
