"""Decode BMP; the runs of a compressed one are bounded, since Pillow decodes them one by one.

https://learn.microsoft.com/windows/win32/gdi/bitmap-compression
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import ImageFile

from srcnn.errors import UnsupportedImageError
from srcnn.images.decoding import bmp_masks, pillow
from srcnn.images.pixels import GREY

_RUNS = "bmp_rle"
_WITH_ALPHA = 4  # channels
# A run of one pixel has two bytes, as the end of a row has; the rest is headers and a palette.
_BYTES_PER_PIXEL, _BYTES_PER_ROW, _REST_BYTES = 2, 4, 64 * 1024


def decode(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode a BMP: grey, BGR or BGRA; alpha that is zero everywhere counts as none.

    Browsers do the same: many programs leave the fourth byte of a pixel unset.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: it has more runs than pixels, or masks with gaps.
    """
    layout = bmp_masks.read_layout(data)
    if layout is None:
        check_runs(image, data)
        pixels = pillow.decode(image)
    else:
        pixels = bmp_masks.decode(data, layout)
    if pixels.ndim > GREY and pixels.shape[2] == _WITH_ALPHA and not pixels[:, :, 3].any():
        return np.ascontiguousarray(pixels[:, :, :3])
    return pixels


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
