"""Whether a result can be the picture that was put in, larger: black output is no success.

Only what no upscaler does is refused; how good a result is cannot be seen here.
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

# Of 0..255. SRCNN's mean is within one level of the bicubic's on photographs; other networks
# that are trained to restore pictures stay within a few.
_MOST_MEAN_CHANGE = 32.0
# An input with less contrast may well round to one value.
_CONTRAST = 16.0
# Smaller results are mostly border, where a network sees the zeros around the picture: a single
# pixel may well become half as bright again.
_SMALLEST_PX = 64
_STRIP_PIXELS = 500_000  # looked at together: a few megabytes as floats


class _Look(NamedTuple):
    """What is seen of a picture, in 0..255: its weighted mean and its contrast."""

    mean: float
    contrast: float


def check_result(image: Pixels, result: Pixels) -> None:
    """Compare a result with its input.

    Args:
        image: (H, W, C), what was upscaled, without alpha.
        result: (H', W', C), of the same depth.

    Raises:
        InferenceFailedError: the result is constant where the input is not, or its mean is far
            from the mean of the bicubic.
    """
    bicubic = _look(image, *map(compute_input_weights, image.shape[:2], result.shape[:2]))
    given = _look(result, *(np.full(length, 1 / length) for length in result.shape[:2]))
    if bicubic.contrast >= _CONTRAST and given.contrast == 0:
        raise InferenceFailedError(
            f"the model gave {given.mean:.0f} for every pixel of the picture; it is dropped"
        )
    is_small = min(result.shape[:2]) < _SMALLEST_PX
    if abs(given.mean - bicubic.mean) > _MOST_MEAN_CHANGE and not is_small:
        raise InferenceFailedError(
            f"the model gave pixels of {given.mean:.0f} on average, expected about "
            f"{bicubic.mean:.0f} (of 255); the picture is dropped: see whether the model takes "
            "its pixels as it says (--convention)"
        )


def _look(image: Pixels, down: Float64, across: Float64) -> _Look:
    """The mean with a weight for each row and column, and the contrast.

    It goes in strips, so that nothing as large as the picture is made.
    """
    levels = LEVELS[image.dtype]
    columns = across.astype(np.float32)
    mean, lows, highs = 0.0, [], []
    for rows, strip in _strips(image):
        low, high, *_ = cv2.minMaxLoc(strip.reshape(len(strip), -1))
        lows.append(low)
        highs.append(high)
        mean += float((down[rows] * (_plane(strip) * columns).sum(axis=1)).sum())
    return _Look(mean / levels, (max(highs) - min(lows)) / levels)


def _strips(image: Pixels) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    height = max(_STRIP_PIXELS // image.shape[1], 1)
    for start in range(0, len(image), height):
        rows = slice(start, start + height)
        yield rows, np.ascontiguousarray(image[rows])


def _plane(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The mean of the channels, to the nearest integer."""
    channels = strip.shape[2]
    if channels == 1:
        return strip[:, :, 0]
    return cv2.transform(strip, np.full((1, channels), 1 / channels, np.float32))
