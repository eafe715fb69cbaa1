"""Decode with OpenCV, in the file's own depth; it rejects truncated files."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from srcnn.errors import DamagedImageError
from srcnn.images.pixels import GREY


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
    """
    # OpenCV would print to standard error what is reported as the image's failure anyway.
    level = cv2.utils.logging.getLogLevel()
    if level != cv2.utils.logging.LOG_LEVEL_SILENT:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    buffer = np.frombuffer(data, dtype=np.uint8)
    try:
        pixels: Any
        pixels, kinds, blobs = cv2.imdecodeWithMetadata(buffer, flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DamagedImageError(f"OpenCV cannot decode it: {error.err}") from error
    if pixels is None:
        raise DamagedImageError("the file is truncated or damaged: OpenCV cannot decode it")
    metadata = {int(kind): blob.tobytes() for kind, blob in zip(kinds, blobs, strict=True)}
    return pixels[:, :, 0] if pixels.ndim > GREY and pixels.shape[2] == 1 else pixels, metadata
