"""Check that a result can be an enlarged version of its input; a black picture cannot.

Only results that no working upscaler gives are rejected; the check does not measure quality.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.errors import InferenceFailedError
from srcnn.images.pixels import LEVELS, Pixels
from srcnn.inference.engine.bicubic import Float64, compute_input_weights

# In levels of 0..255. On photographs, the mean of SRCNN is within one level of that of bicubic
# upsampling; other networks for image restoration are within a few levels.
_MAX_MEAN_CHANGE = 32.0
# With less contrast in the input, a correct result may round to one value.
_MIN_CONTRAST = 16.0
# Smaller results are mostly border, where zero padding affects the network: a single pixel may
# become half as bright again.
_MIN_SIDE_PX = 64
_STRIP_PIXELS = 500_000  # processed at a time; as floats, a few megabytes


class _Statistics(NamedTuple):
    """The weighted mean of a picture and its contrast, in 0..255."""

    mean: float
    contrast: float


def check_result(image: Pixels, result: Pixels) -> None:
    """Compare a result with its input.

    Args:
        image: (H, W, C), the input without alpha.
        result: (H', W', C), of the same type.

    Raises:
        InferenceFailedError: the result is constant although the input has contrast, or its mean
            is far from that of bicubic upsampling.
    """
    bicubic = _measure(image, *map(compute_input_weights, image.shape[:2], result.shape[:2]))
    found = _measure(result, *(np.full(length, 1 / length) for length in result.shape[:2]))
    if bicubic.contrast >= _MIN_CONTRAST and found.contrast == 0:
        raise InferenceFailedError(
            f"the model's output is {found.mean:.0f} for every pixel of the picture; the result "
            "was rejected"
        )
    is_small = min(result.shape[:2]) < _MIN_SIDE_PX
    if abs(found.mean - bicubic.mean) > _MAX_MEAN_CHANGE and not is_small:
        raise InferenceFailedError(
            f"the model's output is {found.mean:.0f} on average, expected about "
            f"{bicubic.mean:.0f} (of 255); the result was rejected: check that the model's "
            "pixels have the stated convention (--convention)"
        )


def _measure(image: Pixels, down: Float64, across: Float64) -> _Statistics:
    """Compute the mean, with a weight for each row and column, and the contrast.

    The picture is processed in strips to save memory.
    """
    levels = LEVELS[image.dtype]
    columns = across.astype(np.float32)
    mean, lows, highs = 0.0, [], []
    for rows, strip in _split_into_strips(image):
        low, high, *_ = cv2.minMaxLoc(strip.reshape(len(strip), -1))
        lows.append(low)
        highs.append(high)
        mean += float((down[rows] * (_average_channels(strip) * columns).sum(axis=1)).sum())
    return _Statistics(mean / levels, (max(highs) - min(lows)) / levels)


def _split_into_strips(image: Pixels) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    height = max(_STRIP_PIXELS // image.shape[1], 1)
    for start in range(0, len(image), height):
        rows = slice(start, start + height)
        yield rows, np.ascontiguousarray(image[rows])


def _average_channels(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Compute the mean of the channels, rounded to the nearest integer."""
    channels = strip.shape[2]
    if channels == 1:
        return strip[:, :, 0]
    return cv2.transform(strip, np.full((1, channels), 1 / channels, np.float32))
