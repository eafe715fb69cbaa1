"""Pictures as JPEG, bounded in bytes: they travel as text in pages."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

_QUALITIES = (92, 85, 75, 60, 40)  # below, nothing is worth a look


def encode_jpeg(picture: npt.NDArray[np.uint8], most_bytes: int) -> bytes:
    """Encode a picture at the highest quality that fits.

    Args:
        picture: (H, W, 3) uint8 BGR.
        most_bytes: of the file.

    Returns:
        The file; larger than `most_bytes` if even the lowest quality is.
    """
    encoded = b""
    for encoded in _encode(picture):
        if len(encoded) <= most_bytes:
            break
    return encoded


def _encode(picture: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    for quality in _QUALITIES:
        # Colours at full resolution: the format's usual half would blur what is compared.
        options = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        ]
        yield bytes(cv2.imencode(".jpg", picture, options)[1].tobytes())
