"""Coordinates and resolutions in EXIF, turned and scaled with the picture, in place."""

from __future__ import annotations

import struct
from fractions import Fraction

from srcnn.images.exif_directories import (
    BYTE_ORDERS,
    ENTRY,
    HEADER,
    LONG,
    RATIONAL,
    SHORT,
    Directory,
    Entry,
    read_main,
)
from srcnn.images.turn_and_scale import Change

# SubjectArea and SubjectLocation, in pixels of the stored picture (EXIF 2.32, section 4.6.5), and
# how many numbers they may have.
_SUBJECTS = {0x9214: (2, 3, 4), 0xA214: (2,)}
_FOCAL_PLANE = (0xA20E, 0xA20F)  # pixels of the picture on a length of the sensor, across and down
_PAIRS = ((0x011A, 0x011B), _FOCAL_PLANE)  # the first is the resolution for prints
_FORMS = {SHORT: "H", LONG: "I"}
_LARGEST = {SHORT: 2**16 - 1, LONG: 2**32 - 1}
_DROPPED = (
    "the subject's place in EXIF was dropped: EXIF cannot say one so far to the right or down"
)


def move_places(exif: bytes, change: Change) -> tuple[bytes, tuple[str, ...]]:
    """Turn and scale a block's places and resolutions; damaged parts stay as they are.

    Args:
        exif: from its byte order mark on.
        change: of the picture.

    Returns:
        The block, and notes about what was dropped.
    """
    order = BYTE_ORDERS.get(exif[:4])
    result, lost = bytearray(exif), False
    for directory in read_main(exif, order) if order else ():
        _move_pairs(result, order or "", directory, change)
        for entry in directory.entries[::-1]:  # removing one moves those behind it
            if entry.count in _SUBJECTS.get(entry.tag, ()) and not _move_subject(
                result, order or "", entry, change
            ):
                _remove(result, order or "", directory, entry)
                lost = True
    return bytes(result), (_DROPPED,) if lost else ()


def _move_pairs(result: bytearray, order: str, directory: Directory, change: Change) -> None:
    entries = {entry.tag: entry for entry in directory.entries}
    for tag, factor in zip(_FOCAL_PLANE, change.factors, strict=True):
        if tag in entries:
            _multiply(result, order, entries[tag], factor)
    for pair in _PAIRS if change.swaps else ():
        across, down = (entries.get(tag) for tag in pair)
        if across and down:
            one, other = (slice(entry.at + 2, entry.at + ENTRY) for entry in (across, down))
            result[one], result[other] = result[other], result[one]


def _is_readable(exif: bytearray, value: range) -> bool:
    return value.start >= HEADER and value.stop <= len(exif)


def _multiply(result: bytearray, order: str, entry: Entry, factor: float) -> None:
    if entry.kind != RATIONAL or entry.count != 1 or not _is_readable(result, entry.value):
        return
    above, below = struct.unpack_from(f"{order}II", result, entry.value.start)
    if not above or not below:
        return
    wanted, largest = Fraction(above, below) * Fraction(factor), _LARGEST[LONG]
    near = wanted.limit_denominator(max(1, min(largest, int(largest / wanted))))
    if 0 < near.numerator <= largest:
        struct.pack_into(f"{order}II", result, entry.value.start, near.numerator, near.denominator)


def _move_subject(result: bytearray, order: str, entry: Entry, change: Change) -> bool:
    """Return False if the entry cannot hold the new place."""
    if entry.kind not in _FORMS or not _is_readable(result, entry.value):
        return True
    form = f"{order}{entry.count}{_FORMS[entry.kind]}"
    numbers = change.move_subject(struct.unpack_from(form, result, entry.value.start))
    if not 0 <= min(numbers) <= max(numbers) <= _LARGEST[entry.kind]:
        return False
    struct.pack_into(form, result, entry.value.start, *numbers)
    return True


def _remove(result: bytearray, order: str, directory: Directory, entry: Entry) -> None:
    end = directory.at.stop
    if end <= len(result):
        result[entry.at : end] = result[entry.at + ENTRY : end] + bytes(ENTRY)
        (count,) = struct.unpack_from(f"{order}H", result, directory.at.start)
        struct.pack_into(f"{order}H", result, directory.at.start, max(count - 1, 0))
