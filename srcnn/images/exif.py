"""EXIF blocks, edited in place: no byte moves, so maker notes stay readable.

Maker notes contain offsets from the start of the block, in formats that only the maker knows.
A block is a TIFF file without pixels: directories (IFD) of 12-byte entries, each with its value
or the value's offset (TIFF 6.0, section 2; EXIF 2.32, section 4.6).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size

_ORIENTATION = 0x0112
# ImageWidth, PixelXDimension and RelatedImageWidth; ImageLength and so on.
_WIDTHS, _HEIGHTS = (0x0100, 0xA002, 0x1001), (0x0101, 0xA003, 0x1002)
_POINTERS = (0x8769, 0x8825, 0xA005)  # to the directories of EXIF, GPS and interoperability
_THUMBNAIL, _THUMBNAIL_BYTES = 0x0201, 0x0202
_SHORT, _LONG = 3, 4
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_HEADER, _ENTRY = 8, 12  # bytes of the block's header, and of a directory's entry
# A valid block has five, with a few dozen entries each; a damaged one may have cycles and false
# counts.
_MAX_DIRECTORIES, _MAX_ENTRIES = 16, 1000


@dataclass(frozen=True)
class _Entry:
    at: int
    tag: int
    number: int  # its value, if it is a single number
    value: range  # where its bytes are


@dataclass(frozen=True)
class _Directory:
    at: range
    entries: list[_Entry]
    next: int  # 0 for none


def is_readable(exif: bytes) -> bool:
    """Whether it starts like an EXIF block; encoders warn about others, or fail."""
    return exif[:4] in _BYTE_ORDERS and len(exif) >= _HEADER


def reset_orientation(exif: bytes) -> bytes:
    """Set the orientation of a block to upright; damaged parts stay as they are.

    Args:
        exif: from its byte order mark on.
    """
    return _set_numbers(exif, {_ORIENTATION: (_SHORT, 1)})


def adapt_to_result(exif: bytes, size: Size) -> bytes:
    """Adapt a block to an upscaled picture: set its size, and remove the thumbnail.

    The thumbnail's directory is unlinked, and its bytes are zeroed, or cut off if they are at the
    end. Missing tags are not added. Damaged parts stay as they are.

    Args:
        exif: from its byte order mark on.
        size: of the picture that the block will be written with.
    """
    sizes = dict.fromkeys(_WIDTHS, (_LONG, size.width))
    sizes |= dict.fromkeys(_HEIGHTS, (_LONG, size.height))
    return _remove_thumbnail(_set_numbers(exif, sizes))


def _set_numbers(exif: bytes, numbers: dict[int, tuple[int, int]]) -> bytes:
    """Set type and value of fields that are a single number, by tag."""
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return exif
    result = bytearray(exif)
    for directory in _read_main(exif, order):
        for entry in directory.entries:
            if entry.tag in numbers:
                kind, number = numbers[entry.tag]
                value = struct.pack(f"{order}{'H' if kind == _SHORT else 'I'}", number)
                field = struct.pack(f"{order}HHI", entry.tag, kind, 1) + value.ljust(4, b"\0")
                result[entry.at : entry.at + _ENTRY] = field
    return bytes(result)


def _remove_thumbnail(exif: bytes) -> bytes:
    order = _BYTE_ORDERS.get(exif[:4])
    main = _read_main(exif, order) if order else []
    if not main or not main[0].next:
        return exif
    dropped, kept = np.zeros((2, len(exif)), dtype=bool)
    for directory in _read_chain(exif, order or "", main[0].next):
        _mark(dropped, directory)
        numbers = {entry.tag: entry.number for entry in directory.entries}
        start = numbers.get(_THUMBNAIL, 0)
        dropped[start : start + numbers.get(_THUMBNAIL_BYTES, 0)] = True
    kept[:_HEADER] = True
    for directory in main:
        _mark(kept, directory)
    alone = dropped & ~kept  # a false offset may point anywhere
    result = np.frombuffer(exif, dtype=np.uint8).copy()
    result[alone] = 0
    at = main[0].at.stop - 4
    result[at : at + 4] = 0
    return result[: np.flatnonzero(~alone)[-1] + 1].tobytes()


def _mark(used: npt.NDArray[np.bool_], directory: _Directory) -> None:
    for place in (directory.at, *(entry.value for entry in directory.entries)):
        used[place.start : place.stop] = True


def _read_main(exif: bytes, order: str) -> list[_Directory]:
    """Read the first directory, and those that it points to."""
    found = list(islice(_read_chain(exif, order, _read_number(exif, f"{order}I", 4)), 1))
    for directory in found:  # grows
        for entry in directory.entries:
            new = entry.number not in [known.at.start for known in found]
            if entry.tag in _POINTERS and new and len(found) < _MAX_DIRECTORIES:
                found += list(islice(_read_chain(exif, order, entry.number), 1))
    return found


def _read_chain(exif: bytes, order: str, start: int) -> Iterator[_Directory]:
    """Read a directory and those linked after it, as far as they are readable."""
    for _ in range(_MAX_DIRECTORIES):
        if not _HEADER <= start <= len(exif) - 2:
            return
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        if count > _MAX_ENTRIES:
            return
        stop = start + 2 + _ENTRY * count
        places = range(start + 2, min(stop, len(exif)) - _ENTRY + 1, _ENTRY)
        entries = [_parse_entry(exif, order, at) for at in places]
        following = _read_number(exif, f"{order}I", stop)
        yield _Directory(range(start, stop + 4), entries, following)
        start = following


def _parse_entry(exif: bytes, order: str, at: int) -> _Entry:
    tag, kind, count = struct.unpack_from(f"{order}HHI", exif, at)
    length = _BYTES_OF_TYPE.get(kind, 1) * count
    number = _read_number(exif, f"{order}{'H' if kind == _SHORT else 'I'}", at + 8)
    place = range(at + 8, at + 12) if length <= 4 else range(number, number + length)  # noqa: PLR2004 - bytes that fit in the entry
    return _Entry(at, tag, number, place)


def _read_number(exif: bytes, form: str, at: int) -> int:
    """Read a number at an offset; 0 if it is beyond the end of the block."""
    number: int = struct.unpack_from(form, exif, at)[0] if at + 4 <= len(exif) else 0
    return number
