"""A remote file read from here and there, by few requests: what a header needs, and no more."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FIRST_BYTES = 64 * 1024
_LARGEST_BYTES = 4 * 1024 * 1024


class RangedFile(io.RawIOBase):
    """A file whose bytes are fetched as they are asked for, each at most once while in order.

    The first request brings 64 KiB, where most headers end; each further one twice as many.
    Wrap it into `io.BufferedReader`: a read may give fewer bytes than it was asked for.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        """Fetch nothing yet.

        Args:
            fetch: gives the bytes from one position up to another, all of them.
            size: of the file, in bytes.
        """
        self._fetch, self._size = fetch, size
        self._position, self._next_bytes = 0, _FIRST_BYTES
        self._spans: list[tuple[int, bytes]] = []

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere; no request."""
        start = (0, self._position, self._size)[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read at most as many bytes as the buffer takes; 0 at the end."""
        wanted = memoryview(buffer).cast("B")
        found = self._at_position(self._next_bytes)[: len(wanted)]
        wanted[: len(found)] = found
        self._position += len(found)
        return len(found)

    def readall(self) -> bytes:
        """The rest, by at most one more request."""
        parts = []
        while part := self._at_position(self._size):
            parts.append(bytes(part))
            self._position += len(part)
        return b"".join(parts)

    def _at_position(self, fetch_bytes: int) -> memoryview:
        """What is at hand from the position on; fetched where nothing is."""
        if self._position >= self._size:
            return memoryview(b"")
        for start, content in self._spans:
            if start <= self._position < start + len(content):
                return memoryview(content)[self._position - start :]
        end = min(self._position + fetch_bytes, self._size)
        self._spans.append((self._position, self._fetch(self._position, end)))
        self._next_bytes = min(2 * self._next_bytes, _LARGEST_BYTES)
        return memoryview(self._spans[-1][1])
