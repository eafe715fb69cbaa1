"""Decode JPEG with libjpeg-turbo, which reports whether data was missing.

Both decoders of this module use libjpeg-turbo's accurate integer transform and its smooth
("fancy") upsampling of colours, so they give the same pixels.
"""

from __future__ import annotations

from typing import Any

import simplejpeg
from PIL import ImageFile

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import pillow
from srcnn.images.decoding.jpeg_segments import read_size
from srcnn.images.decoding.jpeg_truncation import check_scans, is_complete, refuse_damage


def decode(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode a grey or colour JPEG.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: it has too many scans.
    """
    check_scans(data)
    try:
        height, width, _ = read_size(data)
        if (width, height) == image.size:  # checked before memory for the pixels is allocated
            space = "GRAY" if image.mode == "L" else "BGR"
            pixels = simplejpeg.decode_jpeg(data, space)
            return pixels[:, :, 0] if image.mode == "L" else pixels
    except ValueError as error:  # damaged, or complete but unusual: bytes between segments
        refuse_damage(str(error), data)
    return _decode_leniently(image, data)


def _decode_leniently(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode a JPEG that libjpeg warns about; it is accepted if its last block is present."""
    pixels = pillow.decode(image)
    if not is_complete(data, image):
        raise DamagedImageError("the file is truncated: a part of the JPEG data is missing")
    return pixels
