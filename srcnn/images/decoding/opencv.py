"""Decode with OpenCV, in the file's own depth; it rejects truncated files."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from srcnn.errors import DamagedImageError
from srcnn.images.pixels import GREY, scale_samples

# AV1 in ISOBMFF, section 2.3.3: bits of the third byte of an AV1CodecConfigurationBox.
_AVIF_BOX, _HIGH_DEPTH, _TWELVE_BITS, _MONOCHROME = b"av1C", 0x40, 0x20, 0x10


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


def decode_avif(data: bytes) -> Any:
    """Decode an AVIF; samples of 10 and 12 bits are scaled to 16.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    pixels = decode(data)
    if pixels.dtype != np.uint16:
        return pixels
    return scale_samples(pixels, 4095 if _read_avif_flags(data) & _TWELVE_BITS else 1023, np.uint16)


def is_grey_avif(data: bytes) -> bool:
    """Whether an AVIF declares itself grey."""
    return bool(_read_avif_flags(data) & _MONOCHROME)


def _read_avif_flags(data: bytes) -> int:
    at = data.find(_AVIF_BOX)
    return data[at + 6] if 0 <= at < len(data) - 6 else 0
