"""Decode with OpenCV, in the file's own depth; it rejects truncated files."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np

from srcnn.errors import DamagedImageError
from srcnn.images.pixels import GREY

_WHITE = 65_535
# Netpbm: magic number, width, height, maximum value; a comment ends with its line.
_PNM_HEADER = re.compile(rb"P[2356](?:\s+(?:#[^\n]*\n\s*)*\d+){2}\s+(?:#[^\n]*\n\s*)*(\d+)\s")
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
    return scale_to_16_bits(pixels, 4095 if _read_avif_flags(data) & _TWELVE_BITS else 1023)


def is_grey_avif(data: bytes) -> bool:
    """Whether an AVIF declares itself grey."""
    return bool(_read_avif_flags(data) & _MONOCHROME)


def _read_avif_flags(data: bytes) -> int:
    at = data.find(_AVIF_BOX)
    return data[at + 6] if 0 <= at < len(data) - 6 else 0


def is_deep_pnm(data: bytes) -> bool:
    """Whether the samples of a PNM have more than 8 bits."""
    header = _PNM_HEADER.match(data)
    return header is not None and int(header[1]) > 255  # noqa: PLR2004 - a byte


def decode_pnm(data: bytes) -> Any:
    """Decode a deep PNM, scaled from the maximum value in its header.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    header = _PNM_HEADER.match(data)
    pixels = decode(data)
    if header is None or pixels.dtype != np.uint16:
        raise DamagedImageError(f"its header says 16 bits, but its pixels are {pixels.dtype}")
    return scale_to_16_bits(pixels, int(header[1]))


def scale_to_16_bits(pixels: Any, white: int) -> Any:
    """Scale samples from 0..`white` to 0..65535, rounded."""
    if white == _WHITE:
        return pixels
    scaled = pixels.astype(np.float64) * (_WHITE / white)
    return np.rint(np.minimum(scaled, _WHITE)).astype(np.uint16)
