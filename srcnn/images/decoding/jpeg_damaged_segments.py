"""Damaged segments of a JPEG that hold no pixels; libjpeg and browsers ignore them.

JFIF 1.02; EXIF 2.32, section 4.5.4; ICC.1, annex B.4; CIPA DC-007 (several pictures).
"""

from __future__ import annotations

from typing import IO, NamedTuple

from srcnn.images.decoding.cut_damaged_parts import Part
from srcnn.images.decoding.header_read_limit import BoundedFile

_START = b"\xff\xd8"
_MARK, _SCAN, _END = 0xFF, 0xDA, 0xD9
_HEAD_BYTES, _NAME_BYTES = 4, 14  # mark, kind and length; the longest name, with two numbers
_JFIF, _EXIF, _ICC, _MPF = b"JFIF", b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0"
_ADOBE = b"Adobe"
# Bytes that are read of each, from its name on; shorter ones are damaged.
_SHORTEST = {_JFIF: 12, _ADOBE: 12, _ICC: 14}
_KINDS = {0xE0: (_JFIF,), 0xE1: (_EXIF,), 0xE2: (_ICC, _MPF), 0xEE: (_ADOBE,)}
_LARGEST_SEGMENTS = 300  # that are looked at; a profile of 16 MiB has 256


class _Segment(NamedTuple):
    start: int
    end: int
    kind: bytes  # its name; empty for others
    body: bytes  # its first bytes


def find_damaged(file: IO[bytes] | BoundedFile) -> list[Part]:
    """Find the segments before the pixels that are damaged, or that other readers ignore.

    Args:
        file: at its start; it is anywhere afterwards.

    Returns:
        Those that hold no pixels, in order; none of other files than JPEG.
    """
    segments = _list_segments(file)
    profile = [segment for segment in segments if segment.kind == _ICC]
    exif = [segment for segment in segments if segment.kind == _EXIF]
    notes = dict.fromkeys(exif[1:], "a second EXIF segment was ignored")
    if not _is_complete(profile):
        notes |= dict.fromkeys(profile, "a damaged ICC profile was dropped")
    for segment in segments:
        if segment.kind == _MPF:  # of other pictures behind the first, which are not read
            notes[segment] = ""
        elif len(segment.body) < _SHORTEST.get(segment.kind, 0) and segment.kind != _ICC:
            name = segment.kind.decode()
            notes[segment] = f"a damaged {name} segment, which holds no pixels, was dropped"
    return [Part(each.start, each.end, notes[each]) for each in segments if each in notes]


def _list_segments(file: IO[bytes] | BoundedFile) -> list[_Segment]:
    """List the segments before the first scan, up to one that is unusual."""
    found: list[_Segment] = []
    at = len(_START) if file.read(len(_START)) == _START else -1
    while at > 0 and len(found) < _LARGEST_SEGMENTS:
        file.seek(at)
        head = file.read(_HEAD_BYTES + _NAME_BYTES)
        length = int.from_bytes(head[2:_HEAD_BYTES])
        if len(head) < _HEAD_BYTES or head[0] != _MARK or head[1] in (_SCAN, _END) or length < 2:  # noqa: PLR2004 - the length's own
            break
        end = at + 2 + length
        body = head[_HEAD_BYTES : 2 + length]
        names = _KINDS.get(head[1], ())
        found.append(_Segment(at, end, next(filter(body.startswith, names), b""), body))
        at = end
    return found


def _is_complete(profile: list[_Segment]) -> bool:
    """Whether the parts of a profile are numbered from 1 to their count."""
    if any(len(segment.body) < _SHORTEST[_ICC] for segment in profile):
        return False
    numbers = sorted(segment.body[12] for segment in profile)
    counts = {segment.body[13] for segment in profile}
    return not profile or (numbers == [*range(1, len(profile) + 1)] and counts == {len(profile)})
