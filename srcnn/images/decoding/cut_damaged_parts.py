"""A file from which some parts are left out: damaged ones that hold no pixels."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import IO, NamedTuple

from srcnn.images.decoding.header_read_limit import BoundedFile


class Part(NamedTuple):
    """A part of a file that is left out.

    Attributes:
        start: offset of its first byte.
        end: offset behind its last byte.
        note: why, for the report; empty where nothing is lost.
    """

    start: int
    end: int
    note: str = ""


def cut(data: bytes, parts: Iterable[Part]) -> bytes:
    """Return a file's content without some parts, which are in order."""
    pieces, at = [], 0
    for part in parts:
        pieces.append(data[at : part.start])
        at = part.end
    return b"".join((*pieces, memoryview(data)[at:])) if pieces else data


def list_notes(parts: Iterable[Part]) -> tuple[str, ...]:
    """List the notes of parts, each once."""
    return tuple(dict.fromkeys(part.note for part in parts if part.note))


class GappedFile:
    """Reads a file as if some parts were not in it; other bytes are read when they are needed."""

    def __init__(self, file: IO[bytes] | BoundedFile, parts: Sequence[Part]) -> None:
        """Begin at the start.

        Args:
            file: to read from.
            parts: to leave out, in order.
        """
        self._file, self._at = file, 0
        starts = [0, *(part.end for part in parts)]
        size = file.seek(0, io.SEEK_END)
        ends = [*(part.start for part in parts), size]
        self._pieces = [range(*piece) for piece in zip(starts, ends, strict=True)]
        self._size = sum(map(len, self._pieces))

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does."""
        left = self._size - self._at
        left = left if size is None or size < 0 else min(size, left)
        skipped, found = self._at, b""
        for piece in self._pieces:
            rest = piece[skipped:]
            skipped = max(0, skipped - len(piece))
            if rest and left > 0:
                self._file.seek(rest.start)
                found += self._file.read(min(left, len(rest)))
                left -= min(left, len(rest))
        self._at += len(found)
        return found

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        """Seek as a file does; at most to its end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = min(max(0, base + position), self._size)
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at
