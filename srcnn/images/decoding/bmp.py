"""Bound the runs of a compressed BMP, which Pillow decodes one by one.

https://learn.microsoft.com/windows/win32/gdi/bitmap-compression
"""

from __future__ import annotations

from PIL import ImageFile

from srcnn.errors import UnsupportedImageError

_RUNS = "bmp_rle"
# A run of one pixel has two bytes, as the end of a row has; the rest is headers and a palette.
_BYTES_PER_PIXEL, _BYTES_PER_ROW, _REST_BYTES = 2, 4, 64 * 1024


def check_runs(image: ImageFile.ImageFile, data: bytes) -> None:
    """Refuse more runs than the pixels can have, such as empty ones.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.

    Raises:
        UnsupportedImageError: there are more.
    """
    if not image.tile or image.tile[0].codec_name != _RUNS:
        return
    limit = image.height * (_BYTES_PER_PIXEL * image.width + _BYTES_PER_ROW) + _REST_BYTES
    if len(data) > limit:
        raise UnsupportedImageError(
            f"its {len(data)} bytes are more than the {limit} that its pixels can take: "
            "save it again"
        )
