"""Check the directories of a TIFF before Pillow reads them: every value would become an object.

TIFF 6.0, section 2; BigTIFF: https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.header_read_limit import BoundedFile

_POINTERS = (0x8769, 0x8825, 0xA005)  # to the directories of EXIF, GPS and interoperability
_WIDTH, _LENGTH = 256, 257
# Tags that decide what the pixels are: readers differ in which of two they take.
_STRUCTURE = frozenset(
    {_WIDTH, _LENGTH, 258, 259, 262, 273, 277, 278, 279, 284, 322, 323, 324, 325}
)
_TABLES = frozenset({273, 279, 324, 325})  # places of strips or tiles
_BLOB_TYPES = frozenset({1, 2, 6, 7})  # bytes and texts, which stay as they are
_FRACTION_TYPES = frozenset({5, 10, 11, 12})
_SHORT = 3
_LARGEST_ENTRIES = 4096
_LARGEST_NUMBERS, _LARGEST_FRACTIONS = 200_000, 20_000  # a transfer function has 196,608
_LARGEST_STRIPS, _PIXELS_PER_STRIP = 65_536, 64


class _Form(NamedTuple):
    """How a file writes numbers: order and formats of a pointer, a count, and an entry."""

    order: str
    pointer: str
    counter: str
    start: int


class _Entry(NamedTuple):
    tag: int
    kind: int
    values: int
    value: int  # the first, if it is inside of the entry


def check_directories(file: IO[bytes] | BoundedFile) -> None:
    """Check the first directory, and those that describe it; does nothing for other files.

    Args:
        file: anywhere; it is at its start afterwards.

    Raises:
        DamagedImageError: a tag that decides what the pixels are appears twice.
        UnsupportedImageError: a directory has more entries or values than are read.
    """
    form = _read_form(file)
    if form is not None:
        file.seek(form.start)
        entries = _read_entries(file, form, _take(file, form.order + form.pointer))
        _check(entries)
        for entry in entries:
            if entry.tag in _POINTERS:
                _check(_read_entries(file, form, entry.value))
    file.seek(0)


def _read_form(file: IO[bytes] | BoundedFile) -> _Form | None:
    file.seek(0)
    start = file.read(4)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None or len(start) < 4:  # noqa: PLR2004 - bytes
        return None
    version = struct.unpack(f"{order}H", start[2:])[0]
    return {42: _Form(order, "I", "H", 4), 43: _Form(order, "Q", "Q", 8)}.get(version)


def _take(file: IO[bytes] | BoundedFile, form: str) -> int:
    """Read a number; 0 behind the end of the file, which Pillow reports."""
    content = file.read(struct.calcsize(form))
    return int(struct.unpack(form, content)[0]) if len(content) == struct.calcsize(form) else 0


def _read_entries(file: IO[bytes] | BoundedFile, form: _Form, at: int) -> list[_Entry]:
    file.seek(min(at, 2**63 - 1))
    count = _take(file, form.order + form.counter)
    if count > _LARGEST_ENTRIES:
        raise UnsupportedImageError(
            f"it has a directory of {count} tags, more than the {_LARGEST_ENTRIES} that are read: "
            "save it again"
        )
    entry = struct.Struct(f"{form.order}HH{form.pointer}{form.pointer}")
    content = file.read(count * entry.size)
    whole = len(content) - len(content) % entry.size
    return [
        _Entry(tag, kind, number, _read_value(form, kind, value))
        for tag, kind, number, value in entry.iter_unpack(content[:whole])
    ]


def _read_value(form: _Form, kind: int, value: int) -> int:
    """Read a value of 16 bits, which stands in the first bytes of its field."""
    if kind != _SHORT:
        return value
    return int(
        struct.unpack_from(f"{form.order}H", struct.pack(form.order + form.pointer, value))[0]
    )


def _check(entries: list[_Entry]) -> None:
    tags = [entry.tag for entry in entries if entry.tag in _STRUCTURE]
    if len(tags) > len(set(tags)):
        twice = next(tag for tag in tags if tags.count(tag) > 1)
        raise DamagedImageError(f"the file is damaged: its tag {twice} appears twice")
    values = {entry.tag: entry.value for entry in entries}
    pixels = values.get(_WIDTH, 0) * values.get(_LENGTH, 0)
    for entry in entries:
        limit = _LARGEST_NUMBERS
        if entry.tag in _TABLES:
            limit = _LARGEST_STRIPS + pixels // _PIXELS_PER_STRIP
        elif entry.kind in _FRACTION_TYPES:
            limit = _LARGEST_FRACTIONS
        if entry.kind not in _BLOB_TYPES and entry.values > limit:
            raise UnsupportedImageError(
                f"its tag {entry.tag} has {entry.values} values, more than the {limit} that are "
                "read: save it again"
            )
