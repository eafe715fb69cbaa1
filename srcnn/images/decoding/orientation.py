"""The orientation of a picture: found wherever a reader honours it, and applied once."""

from __future__ import annotations

import io
import zlib
from typing import IO, Any

import numpy as np
from PIL import ImageFile

from srcnn.images.metadata import orientation_of
from srcnn.images.pixels import Pixels

# What puts the pixels of an EXIF orientation upright: quarter turns, then a flip.
_UPRIGHT = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}
TURNED = (5, 6, 7, 8)  # height and width change places
_TAIL_BYTES = 64 * 1024
_EXIF = b"eXIf"


def orientation_in(image: ImageFile.ImageFile, file: IO[bytes]) -> int:
    """The turn that an image's pixels need, as an EXIF orientation; 1 for none.

    Args:
        image: opened, not loaded.
        file: that it was opened on; of a PNG the last 64 KiB are read besides its header.
    """
    if image.format == "PNG" and "exif" not in image.info:
        block = exif_at_the_end(file)
        if block is not None:  # as if it stood before the pixels: the one place to look
            image.info["exif"] = b"Exif\x00\x00" + block
    return orientation_of(image)


def exif_at_the_end(file: IO[bytes]) -> bytes | None:
    """The EXIF block behind the pixels of a PNG; None where the last 64 KiB hold none.

    PNG lets the chunk stand on either side of the pixels (PNG 3, section 5.6), and ImageMagick
    puts it behind them. A plan would have to walk all chunks to find it anywhere; a file's end
    is one request. What lies further from the end is no orientation to us.
    """
    position = file.tell()
    try:
        file.seek(max(0, file.seek(0, io.SEEK_END) - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    finally:
        file.seek(position)
    at = tail.rfind(_EXIF)
    if at < 4:  # noqa: PLR2004 - the length stands before the name: PNG 3, section 5.3
        return None
    end = at + 4 + int.from_bytes(tail[at - 4 : at])
    # Pixels may spell the name by chance; they will not spell the checksum.
    if zlib.crc32(tail[at:end]) != int.from_bytes(tail[end : end + 4]):
        return None
    return tail[at + 4 : end]


def put_upright(pixels: Any, orientation: int) -> Pixels:
    """Turn and flip.

    Args:
        pixels: a picture as it is stored.
        orientation: EXIF 2.32, section 4.6.4; 1 to 8, all others mean nothing.
    """
    turns, flipped = _UPRIGHT.get(orientation, (0, False))
    turned = np.rot90(pixels, turns)
    flat: Any = np.ascontiguousarray(np.fliplr(turned) if flipped else turned)
    upright: Pixels = flat
    return upright
