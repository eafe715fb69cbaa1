"""Encode AVIF of 8 bits with colours at full resolution, by Pillow: OpenCV always halves them."""

from __future__ import annotations

import io
from collections.abc import Mapping

import cv2
from PIL import Image

from srcnn.images.pixels import Pixels, has_alpha

_SPEED = 9  # OpenCV's; 0 to 10
# An EXIF block without tags, as Pillow would take a block apart that has an orientation.
_NO_TAGS = b"II*\0\x08\0\0\0" + bytes(6) + b"stands for another block"


def encode_full_chroma(pixels: Pixels, quality: int, metadata: Mapping[int, bytes]) -> bytes:
    """Encode a colour picture in the calling thread alone.

    Args:
        pixels: (H, W, 3) BGR or (H, W, 4) BGRA, uint8.
        quality: 1 to 99.
        metadata: EXIF, ICC and XMP by OpenCV's metadata type.

    Returns:
        The file's content.
    """
    order = cv2.COLOR_BGRA2RGBA if has_alpha(pixels) else cv2.COLOR_BGR2RGB
    exif = metadata.get(cv2.IMAGE_METADATA_EXIF, b"")
    stand_in = _NO_TAGS.ljust(len(exif), b"\0") if exif else b""
    exif = exif.ljust(len(stand_in), b"\0")  # zeros behind a block are no part of it
    file = io.BytesIO()
    Image.fromarray(cv2.cvtColor(pixels, order)).save(
        file,
        "AVIF",
        quality=quality,
        subsampling="4:4:4",
        speed=_SPEED,
        max_threads=1,
        exif=stand_in,
        icc_profile=metadata.get(cv2.IMAGE_METADATA_ICCP, b""),
        xmp=metadata.get(cv2.IMAGE_METADATA_XMP, b""),
    )
    content = file.getvalue()
    return content.replace(stand_in, exif, 1) if exif else content
