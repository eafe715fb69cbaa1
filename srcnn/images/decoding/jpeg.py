"""JPEG by libjpeg-turbo, which says whether it had to make anything up.

All ways through this module use libjpeg-turbo's accurate integer transform and its smooth
("fancy") upsampling of colours: one picture, whichever way it took.
"""

from __future__ import annotations

from typing import Any

import simplejpeg
from PIL import ImageFile

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import pillow
from srcnn.images.decoding.jpeg_truncation import is_whole


def pixels_of(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode a JPEG of grey or colour.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        if (width, height) == image.size:  # seen before the pixels are given memory
            space = "GRAY" if image.mode == "L" else "BGR"
            pixels = simplejpeg.decode_jpeg(data, space)
            return pixels[:, :, 0] if image.mode == "L" else pixels
    except ValueError:  # damaged; or whole and odd, such as with bytes between its parts
        pass
    return _looked_at(image, data)


def _looked_at(image: ImageFile.ImageFile, data: bytes) -> Any:
    """The pixels of a JPEG that libjpeg warns of: whole, if its last block is."""
    pixels = pillow.pixels_of(image)
    if not is_whole(data, image):
        raise DamagedImageError("the file is truncated: a part of the JPEG's picture is missing")
    return pixels
