"""Random access to a remote file with few requests, as reading a header needs it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FIRST_BYTES = 64 * 1024
_LARGEST_BYTES = 4 * 1024 * 1024


class RangedFile(io.RawIOBase):
    """A file whose bytes are fetched on demand; a sequential reader fetches each byte once.

    The first request is for 64 KiB, enough for most headers; each further one is twice as large.
    Wrap it in `io.BufferedReader`: a read may return fewer bytes than requested.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        """Fetch nothing yet.

        Args:
            fetch: returns all bytes from a start position up to an end position.
            size: of the file, in bytes.
        """
        self._fetch, self._size = fetch, size
        self._position, self._next_bytes = 0, _FIRST_BYTES
        self._spans: list[tuple[int, bytes]] = []

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, without a request."""
        start = (0, self._position, self._size)[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read at most as many bytes as fit into the buffer; 0 at the end."""
        wanted = memoryview(buffer).cast("B")
        found = self._get_at_position(self._next_bytes)[: len(wanted)]
        wanted[: len(found)] = found
        self._position += len(found)
        return len(found)

    def readall(self) -> bytes:
        """Read the rest, with at most one more request."""
        parts = []
        while part := self._get_at_position(self._size):
            parts.append(bytes(part))
            self._position += len(part)
        return b"".join(parts)

    def _get_at_position(self, fetch_bytes: int) -> memoryview:
        """Return the cached bytes from the position on; if there are none, fetch some."""
        if self._position >= self._size:
            return memoryview(b"")
        for start, content in self._spans:
            if start <= self._position < start + len(content):
                return memoryview(content)[self._position - start :]
        end = min(self._position + fetch_bytes, self._size)
        self._spans.append((self._position, self._fetch(self._position, end)))
        self._next_bytes = min(2 * self._next_bytes, _LARGEST_BYTES)
        return memoryview(self._spans[-1][1])
