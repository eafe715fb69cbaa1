"""The orientation of an image: found wherever other readers look for it, and applied once."""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

import numpy as np
from PIL import ImageFile

from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.metadata import read_orientation
from srcnn.images.pixels import Pixels

# Quarter turns, and then a flip, that turn the pixels of an EXIF orientation upright.
_UPRIGHT = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}
TURNED = (5, 6, 7, 8)  # height and width are swapped
_TAIL_BYTES = 64 * 1024
_EXIF = b"eXIf"


def find_orientation(image: ImageFile.ImageFile, file: IO[bytes] | BoundedFile) -> int:
    """Find the EXIF orientation of an image; 1 if its pixels are upright.

    Args:
        image: opened, not loaded.
        file: that the image was opened from; of a PNG, the last 64 KiB are read too.
    """
    if image.format == "PNG" and "exif" not in image.info:
        block = read_trailing_exif(file)
        if block is not None:  # as if it were before the pixels, where `read_orientation` looks
            image.info["exif"] = b"Exif\x00\x00" + block
    return read_orientation(image)


def read_trailing_exif(file: IO[bytes] | BoundedFile) -> bytes | None:
    """Read the EXIF block after the pixels of a PNG; None if there is none in the last 64 KiB.

    PNG allows the chunk before or after the pixels (PNG 3, section 5.6), and ImageMagick writes
    it after them. Finding it anywhere would need a walk over all chunks, and the end of a file
    is one request. A block further from the end is ignored.
    """
    position = file.tell()
    try:
        file.seek(max(0, file.seek(0, io.SEEK_END) - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    finally:
        file.seek(position)
    at = tail.rfind(_EXIF)
    if at < 4:  # noqa: PLR2004 - the length is before the name: PNG 3, section 5.3
        return None
    end = at + 4 + int.from_bytes(tail[at - 4 : at])
    # Pixel data may contain the name by chance, but not with a matching checksum.
    if zlib.crc32(tail[at:end]) != int.from_bytes(tail[end : end + 4]):
        return None
    return tail[at + 4 : end]


def apply_orientation(pixels: Any, orientation: int) -> Pixels:
    """Turn and flip pixels upright.

    Args:
        pixels: as stored in the file.
        orientation: 1 to 8, EXIF 2.32, section 4.6.4; other values are ignored.

    Returns:
        Contiguous pixels.
    """
    turns, flipped = _UPRIGHT.get(orientation, (0, False))
    turned = np.rot90(pixels, turns)
    flat: Any = np.ascontiguousarray(np.fliplr(turned) if flipped else turned)
    upright: Pixels = flat
    return upright
