"""Rewrite the directories of a big-endian BigTIFF as those of a TIFF, which Pillow opens.

Pillow knows BigTIFF in little-endian order alone. No coded byte of the pixels changes its place.
BigTIFF: https://www.awaresystems.be/imaging/tiff/bigtiff.html; TIFF 6.0, section 2.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import NamedTuple

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.header_read_limit import BoundedFile

_START = b"MM\0+\0\x08\0\0"
_HEADER_BYTES = 8  # of a TIFF: order, version, offset of its directory
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES |= {16: 8, 17: 8, 18: 8}
# Numbers of 64 bits, and the types of those of 32 bits: unsigned, signed, places of directories.
_WIDE = {16: ("Q", 4, "I"), 17: ("q", 9, "i"), 18: ("Q", 13, "I")}
_POINTERS = (0x8769, 0x8825)  # to the directories of EXIF and GPS
_LARGEST_ENTRIES = 4096  # as `tiff_check_tags` has it
_SMALLEST_BYTES = 16  # of its own header
_ENTRY_BYTES = 20
_FEW_BYTES = 4  # of values that stand in their entry
_LONG = 4


class _Entry(NamedTuple):
    tag: int
    kind: int
    number: int
    values: bytes


def is_big_endian_bigtiff(start: bytes) -> bool:
    """Whether a file begins as a BigTIFF in big-endian order."""
    return start.startswith(_START)


def to_tiff(data: bytes) -> bytes:
    """Return the content of a big-endian BigTIFF as that of a TIFF; any other as it is.

    Args:
        data: the file's content.

    Returns:
        The content with its directories behind it, where no pixel may be looked for.

    Raises:
        DamagedImageError: its directory is not in it.
        UnsupportedImageError: a place in it is beyond what a TIFF can say, or it has several pages.
    """
    if not is_big_endian_bigtiff(data):
        return data
    with BoundedFile(io.BytesIO(data)) as file:
        directories = _convert(file, len(data))
    return b"".join((_make_start(len(data)), memoryview(data)[_HEADER_BYTES:], directories))


def make_header(file: BoundedFile) -> bytes:
    """Make a TIFF of the directories alone, for a file whose pixels are not read; see `to_tiff`.

    Args:
        file: a big-endian BigTIFF, anywhere.
    """
    return _make_start(_HEADER_BYTES) + _convert(file, _HEADER_BYTES)


def _make_start(at: int) -> bytes:
    return b"MM" + _pack("HI", 42, at)


def _convert(file: BoundedFile, at: int) -> bytes:
    """Write the first directory and those that it points to, as they are at an offset."""
    file.seek(8)
    entries, following = _read_directory(file, int.from_bytes(file.read(8)))
    if following:
        raise UnsupportedImageError(
            "it has several frames or pages; only single images are upscaled: split it first"
        )
    others, kept = b"", []
    behind = at + len(_write(entries, at))
    for entry in entries:
        if entry.tag not in _POINTERS:
            kept.append(entry)
            continue
        try:
            inner, _ = _read_directory(file, int.from_bytes(entry.values))
        except DamagedImageError:
            inner = []  # it holds no pixels
        place = behind + len(others)
        others += _write(inner, place)
        kept.append(_Entry(entry.tag, _LONG, 1, _pack("I", place)))
    return _write(kept, at) + others


def _read_directory(file: BoundedFile, at: int) -> tuple[list[_Entry], int]:
    """Read entries with their values, and where the next directory is; 0 for none."""
    damage = DamagedImageError("the file is truncated or damaged: its directory is not in it")
    if at < _SMALLEST_BYTES:
        raise damage
    file.seek(at)
    count = int.from_bytes(file.read(8))
    if count > _LARGEST_ENTRIES:
        raise UnsupportedImageError(f"it has a directory of {count} tags: save it again")
    content, following = file.read(_ENTRY_BYTES * count), file.read(8)
    if not count or len(content) < _ENTRY_BYTES * count or len(following) < 8:  # noqa: PLR2004 - bytes
        raise damage
    entries = []
    for tag, kind, number, value in struct.iter_unpack(">HHQ8s", content):
        length = number * _BYTES.get(kind, 0)
        if length > len(value):
            file.seek(int.from_bytes(value))
            value = file.read(length) if length <= file.size else b""  # noqa: PLW2901 - its values
        if 0 < length <= len(value):  # readers skip others
            entries.append(_Entry(tag, *_narrow(kind, number, value[:length])))
    return entries, int.from_bytes(following)


def _narrow(kind: int, count: int, values: bytes) -> tuple[int, int, bytes]:
    """Return numbers of 64 bits as numbers of 32 bits; others as they are."""
    if kind not in _WIDE:
        return kind, count, values
    wide, narrow_kind, narrow = _WIDE[kind]
    return narrow_kind, count, _pack(f"{count}{narrow}", *struct.unpack(f">{count}{wide}", values))


def _pack(form: str, *numbers: int) -> bytes:
    try:
        return struct.pack(f">{form}", *numbers)
    except struct.error as error:
        raise UnsupportedImageError(
            "a big-endian BigTIFF is supported up to 4 GB: save it in little-endian order"
        ) from error


def _write(entries: Sequence[_Entry], at: int) -> bytes:
    """Write a directory of a TIFF, with its values behind it."""
    head, tables = _pack("H", len(entries)), b""
    behind = at + len(head) + 12 * len(entries) + 4
    for entry in entries:
        field = entry.values.ljust(_FEW_BYTES, b"\0")
        if len(field) > _FEW_BYTES:
            field = _pack("I", behind + len(tables))
            tables += entry.values + bytes(len(entry.values) % 2)
        head += _pack("HHI", entry.tag, entry.kind, entry.number) + field
    return head + bytes(4) + tables
