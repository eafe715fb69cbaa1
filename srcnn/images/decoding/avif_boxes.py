"""The boxes of an AVIF: ISO base media, ISO/IEC 14496-12, section 4.2."""

from __future__ import annotations

from collections.abc import Iterator

from srcnn.errors import UnsupportedImageError

FULL_BOX = 4  # bytes of version and flags
_LARGEST_PARTS = 20_000  # boxes, extents of items, or units of coded data


class Limit:
    """Counts the parts of a file, which may have millions."""

    def __init__(self) -> None:
        """Begin to count."""
        self._left = _LARGEST_PARTS

    def count(self) -> None:
        """Count one; raises `UnsupportedImageError` at the limit."""
        self._left -= 1
        if self._left < 0:
            raise UnsupportedImageError(
                f"it has more than the {_LARGEST_PARTS} parts that are read: save it again"
            )


class Cursor:
    """Reads big-endian numbers of whole bytes.

    Attributes:
        at: where the next one is.
    """

    def __init__(self, data: bytes, at: int) -> None:
        """Begin at a place of the data."""
        self._data, self.at = data, at

    def take(self, count: int) -> int:
        """Read a number; raises `IndexError` at the end of the file."""
        if self.at + count > len(self._data):
            raise IndexError
        self.at += count
        return int.from_bytes(self._data[self.at - count : self.at])


def list_boxes(data: bytes, at: int, end: int, limit: Limit) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each box."""
    while at + 8 <= end:
        limit.count()
        length, head = int.from_bytes(data[at : at + 4]), 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16]), 16
        length = length or end - at
        if length < head:
            return
        yield data[at + 4 : at + 8], at + head, min(at + length, end)
        at += length
