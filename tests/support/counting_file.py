"""A file in memory that counts the bytes read from it."""

from __future__ import annotations

import io


class CountingFile(io.BytesIO):
    """Bytes, and how many of them were read.

    Attributes:
        taken: bytes read so far; bytes read twice count twice.
    """

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads as any file does."""
        found = super().read(size)
        self.taken += len(found)
        return found
