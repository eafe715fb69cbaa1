"""Decode with OpenCV, in the file's own depth; it rejects truncated files."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.pixels import GREY

UNDECODABLE = "its pixels cannot be decoded"
_SIZE_LIMIT = "CV_IO_MAX_IMAGE"  # in its text, if one is exceeded


def decode(data: bytes) -> Any:
    """Decode a file, without applying its orientation: grey, BGR or BGRA.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    return decode_with_metadata(data)[0]


def decode_with_metadata(data: bytes) -> tuple[Any, dict[int, bytes]]:
    """Decode as above; also return the file's metadata blocks, by OpenCV's metadata type.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: it is larger than can be decoded.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    try:
        pixels: Any
        pixels, kinds, blobs = cv2.imdecodeWithMetadata(buffer, flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if _SIZE_LIMIT in error.err:
            raise UnsupportedImageError(
                "it has more than 1,048,576 px in a side, or 2^30 px, which cannot be decoded in "
                "its format: save it as PPM, or split it first"
            ) from error
        raise DamagedImageError(f"the file is truncated or damaged: {UNDECODABLE}") from error
    if pixels is None:
        raise DamagedImageError(f"the file is truncated or damaged: {UNDECODABLE}")
    metadata = {int(kind): blob.tobytes() for kind, blob in zip(kinds, blobs, strict=True)}
    return pixels[:, :, 0] if pixels.ndim > GREY and pixels.shape[2] == 1 else pixels, metadata
