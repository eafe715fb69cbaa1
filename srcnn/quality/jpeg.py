"""Compress pictures as JPEGs, as sources are."""

from __future__ import annotations

import cv2
import numpy as np

from srcnn.quality.degradation import Picture


def compress(picture: Picture, quality: float) -> Picture:
    """Save a picture as a JPEG, and read it again.

    Args:
        picture: (H, W, 3) uint8 BGR, or (H, W).
        quality: a whole number from 1 to 100, as libjpeg counts. Colours are stored at half the
            resolution (4:2:0), as most software does.

    Returns:
        An array of the same shape.
    """
    parameters = (
        *(cv2.IMWRITE_JPEG_QUALITY, int(quality)),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    )
    _, file = cv2.imencode(".jpg", picture, parameters)
    mode = cv2.IMREAD_COLOR_BGR if picture.ndim == 3 else cv2.IMREAD_GRAYSCALE  # noqa: PLR2004
    return np.asarray(cv2.imdecode(file, mode), dtype=np.uint8)
