"""A file whose header is read within limits: a header may have millions of parts, or no end.

Pillow's parsers read part by part. Counting what they read bounds the time and memory of all of
them, and the requests that they send to a bucket.
"""

from __future__ import annotations

import io
import threading
from types import TracebackType
from typing import IO, Any, Self

from srcnn.errors import UnsupportedImageError

_READS = 50_000
_GIF, _GIF_BYTES_PER_READ = b"GI", 100  # it is skipped through by two reads for each 255 bytes
_LARGEST_BYTES = 256 * 2**20  # metadata and layers of a TIFF; a whole WebP or AVIF
# Before the pixels; Pillow copies the EXIF of a JPEG again for each further segment of it.
_LARGEST_OF_JPEG_BYTES, _LARGEST_OF_PNG_BYTES = 8 * 2**20, 64 * 2**20
_LARGEST = {b"\xff\xd8": _LARGEST_OF_JPEG_BYTES, b"\x89P": _LARGEST_OF_PNG_BYTES}
_LARGE_BYTES = 4 * 2**20
_one_large = threading.Lock()  # of many headers that are read at a time, one may be large


class BoundedFile:
    """Passes reads on, and counts them until `release`."""

    def __init__(self, file: IO[bytes]) -> None:
        """Begin to count.

        Args:
            file: at its start.
        """
        self._file = file
        start = file.read(2)
        self.size = file.seek(0, io.SEEK_END)
        file.seek(0)
        largest = min(self.size, _LARGEST.get(start, _LARGEST_BYTES))
        self._left_bytes = self._limit_bytes = largest + _LARGE_BYTES
        skipped = self.size // _GIF_BYTES_PER_READ if start == _GIF else 0
        self._left_reads = self._limit_reads = _READS + skipped
        self._is_alone = False
        self._is_counting = True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does.

        Raises:
            UnsupportedImageError: too much of it was read.
        """
        if not self._is_counting:
            return self._file.read(-1 if size is None else size)
        rest = self.size - self._file.seek(0, io.SEEK_CUR)
        length = rest if size is None or size < 0 else min(size, rest)
        self._left_reads -= 1
        self._left_bytes -= max(length, 0)
        if self._left_reads < 0 or self._left_bytes < 0:
            raise UnsupportedImageError(
                f"its header takes more than the {self._limit_reads} reads or {self._limit_bytes} "
                "bytes that are allowed: save it again without metadata"
            )
        if not self._is_alone and self._limit_bytes - self._left_bytes > _LARGE_BYTES:
            self._is_alone = _one_large.acquire()
        return self._file.read(max(length, 0))

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        """Seek as a file does; at most to its end, since disks refuse positions of petabytes."""
        if whence == io.SEEK_SET:
            position = min(position, self.size)
        return self._file.seek(position, whence)

    def release(self) -> None:
        """Stop counting; the header has been read."""
        self._is_counting = False
        if self._is_alone:
            self._is_alone = False
            _one_large.release()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop counting, whatever happened."""
        self.release()

    def __getattr__(self, name: str) -> Any:
        """Pass everything else on."""
        return getattr(self._file, name)
