"""EXIF blocks, edited in place: no byte moves, so maker notes stay readable.

Maker notes contain offsets from the start of the block, in formats that only the maker knows.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.images.exif_directories import (
    BYTE_ORDERS,
    ENTRY,
    HEADER,
    LONG,
    SHORT,
    Directory,
    read_chain,
    read_main,
)

_ORIENTATION = 0x0112
# ImageWidth, PixelXDimension and RelatedImageWidth; ImageLength and so on.
_WIDTHS, _HEIGHTS = (0x0100, 0xA002, 0x1001), (0x0101, 0xA003, 0x1002)
_THUMBNAIL, _THUMBNAIL_BYTES = 0x0201, 0x0202


def is_readable(exif: bytes) -> bool:
    """Whether it starts like an EXIF block; encoders warn about others, or fail."""
    return exif[:4] in BYTE_ORDERS and len(exif) >= HEADER


def reset_orientation(exif: bytes) -> bytes:
    """Set the orientation of a block to upright; damaged parts stay as they are.

    Args:
        exif: from its byte order mark on.
    """
    return _set_numbers(exif, {_ORIENTATION: (SHORT, 1)})


def adapt_to_result(exif: bytes, size: Size) -> bytes:
    """Adapt a block to an upscaled picture: set its size, and remove the thumbnail.

    The thumbnail's directory is unlinked, and its bytes are zeroed, or cut off if they are at the
    end. Missing tags are not added. Damaged parts stay as they are.

    Args:
        exif: from its byte order mark on.
        size: of the picture that the block will be written with.
    """
    sizes = dict.fromkeys(_WIDTHS, (LONG, size.width))
    sizes |= dict.fromkeys(_HEIGHTS, (LONG, size.height))
    return _remove_thumbnail(_set_numbers(exif, sizes))


def _set_numbers(exif: bytes, numbers: dict[int, tuple[int, int]]) -> bytes:
    """Set type and value of fields that are a single number, by tag."""
    order = BYTE_ORDERS.get(exif[:4])
    if order is None:
        return exif
    result = bytearray(exif)
    for directory in read_main(exif, order):
        for entry in directory.entries:
            if entry.tag in numbers:
                kind, number = numbers[entry.tag]
                value = struct.pack(f"{order}{'H' if kind == SHORT else 'I'}", number)
                field = struct.pack(f"{order}HHI", entry.tag, kind, 1) + value.ljust(4, b"\0")
                result[entry.at : entry.at + ENTRY] = field
    return bytes(result)


def _remove_thumbnail(exif: bytes) -> bytes:
    order = BYTE_ORDERS.get(exif[:4])
    main = read_main(exif, order) if order else []
    if not main or not main[0].next:
        return exif
    dropped, kept = np.zeros((2, len(exif)), dtype=bool)
    for directory in read_chain(exif, order or "", main[0].next):
        _mark(dropped, directory)
        numbers = {entry.tag: entry.number for entry in directory.entries}
        start = numbers.get(_THUMBNAIL, 0)
        dropped[start : start + numbers.get(_THUMBNAIL_BYTES, 0)] = True
    kept[:HEADER] = True
    for directory in main:
        _mark(kept, directory)
    alone = dropped & ~kept  # a false offset may point anywhere
    result = np.frombuffer(exif, dtype=np.uint8).copy()
    result[alone] = 0
    at = main[0].at.stop - 4
    result[at : at + 4] = 0
    return result[: np.flatnonzero(~alone)[-1] + 1].tobytes()


def _mark(used: npt.NDArray[np.bool_], directory: Directory) -> None:
    for place in (directory.at, *(entry.value for entry in directory.entries)):
        used[place.start : place.stop] = True
