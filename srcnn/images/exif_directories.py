"""The directories of an EXIF block, and where their entries are.

A block is a TIFF file without pixels: directories (IFD) of 12-byte entries, each with its value
or the value's offset (TIFF 6.0, section 2; EXIF 2.32, section 4.6).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
SHORT, LONG, RATIONAL = 3, 4, 5
HEADER, ENTRY = 8, 12  # bytes of the block's header, and of a directory's entry
_POINTERS = (0x8769, 0x8825, 0xA005)  # to the directories of EXIF, GPS and interoperability
_BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
# A valid block has five, with a few dozen entries each; a damaged one may have cycles and false
# counts.
_MAX_DIRECTORIES, _MAX_ENTRIES = 16, 1000


@dataclass(frozen=True)
class Entry:
    """An entry of a directory.

    Attributes:
        at: its offset.
        tag: what it is.
        kind: type of its numbers.
        count: of them.
        number: its value, if it is a single number.
        value: where its bytes are.
    """

    at: int
    tag: int
    kind: int
    count: int
    number: int
    value: range


@dataclass(frozen=True)
class Directory:
    """A directory: its place, its entries, and the offset of the next one, 0 for none."""

    at: range
    entries: list[Entry]
    next: int


def read_main(exif: bytes, order: str) -> list[Directory]:
    """Read the first directory, and those that it points to.

    Args:
        exif: from its byte order mark on.
        order: of its bytes, from `BYTE_ORDERS`.
    """
    found = list(islice(read_chain(exif, order, read_number(exif, f"{order}I", 4)), 1))
    for directory in found:  # grows
        for entry in directory.entries:
            new = entry.number not in [known.at.start for known in found]
            if entry.tag in _POINTERS and new and len(found) < _MAX_DIRECTORIES:
                found += list(islice(read_chain(exif, order, entry.number), 1))
    return found


def read_chain(exif: bytes, order: str, start: int) -> Iterator[Directory]:
    """Read a directory and those linked after it, as far as they are readable."""
    for _ in range(_MAX_DIRECTORIES):
        if not HEADER <= start <= len(exif) - 2:
            return
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        if count > _MAX_ENTRIES:
            return
        stop = start + 2 + ENTRY * count
        places = range(start + 2, min(stop, len(exif)) - ENTRY + 1, ENTRY)
        entries = [_parse_entry(exif, order, at) for at in places]
        following = read_number(exif, f"{order}I", stop)
        yield Directory(range(start, stop + 4), entries, following)
        start = following


def _parse_entry(exif: bytes, order: str, at: int) -> Entry:
    tag, kind, count = struct.unpack_from(f"{order}HHI", exif, at)
    length = _BYTES_OF_TYPE.get(kind, 1) * count
    number = read_number(exif, f"{order}{'H' if kind == SHORT else 'I'}", at + 8)
    place = range(at + 8, at + 12)
    if length > len(place):
        start = read_number(exif, f"{order}I", at + 8)
        place = range(start, start + length)
    return Entry(at, tag, kind, count, number, place)


def read_number(exif: bytes, form: str, at: int) -> int:
    """Read a number at an offset; 0 if it is beyond the end of the block."""
    number: int = struct.unpack_from(form, exif, at)[0] if at + 4 <= len(exif) else 0
    return number
