"""Compares an upscaled file with what a reader and the cubic, from its definition, make of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from corpus_readers import READERS, Samples, read_by_opencv
from PIL import Image

# Levels of 255: see `compare`.
ROUNDING, FLOAT32, OTHER_DEPTH, LOSSY = 0.5, 5e-4, 2.0, 1.5
STRIP_PX = 32  # rows that are compared at once, so that they stay in the cache
Combine = Callable[[list[Any], list[Any]], Any]
_JPEG_IN_TIFF = ("jpeg", "tiff_jpeg")


@dataclass(frozen=True)
class Opinion:
    """What a reader says of a result.

    Attributes:
        was_read: whether the reader reads the source.
        difference: in words; empty where the result agrees, or there is none.
    """

    was_read: bool
    difference: str = ""


def ask(reader: str, source: Path, result: Path | None, factor: Fraction) -> Opinion:
    """Read a source by a reader, enlarge it, and compare; runs in a process of its own."""
    try:
        picture = READERS[reader](source)
    # "Not read" is an answer here, and libraries raise anything.
    except Exception as error:  # noqa: BLE001
        return Opinion(was_read=False, difference=f"{type(error).__name__}: {error}")
    if result is None:
        return Opinion(was_read=True)
    if not _is_last(source, picture):
        difference = compare(picture, read_by_opencv(result), factor, lossy=is_lossy(source))
        _last.update(source=source, picture=picture, difference=difference)
    return Opinion(was_read=True, difference=_last["difference"])


# What was compared last: most readers give the same pixels, and enlarging them takes longest.
_last: dict[str, Any] = {}


def _is_last(source: Path, picture: Samples) -> bool:
    return (
        _last.get("source") == source
        and _last["picture"].white == picture.white
        and np.array_equal(_last["picture"].rgba, picture.rgba)
    )


def is_lossy(path: Path) -> bool:
    """Whether decoders of a file may differ, as its format leaves them free to."""
    try:
        with Image.open(path) as image:
            if image.format == "TIFF":
                return image.info.get("compression") in _JPEG_IN_TIFF or image.mode == "YCbCr"
            is_lossy_webp = image.format == "WEBP" and b"VP8 " in path.read_bytes()
            return is_lossy_webp or image.format in ("JPEG", "MPO", "AVIF")
    except Exception:  # noqa: BLE001 - as above
        return False


def compare(picture: Samples, result: Samples, factor: Fraction, *, lossy: bool) -> str:
    """Describe how a result differs from a reader's picture, enlarged; empty if it agrees.

    Every sample of a lossless file must be the enlarged one, rounded: within half a level of the
    result's depth, and what float32 is off. If the reader has another depth, its samples are
    off by up to a level of 255, and the cubic may double that. Lossy formats leave the decoder
    free in the transform and in how colours are enlarged: the root of the mean square counts.
    Colours are compared where all pixels that they are computed from are visible.
    """
    height, width = (int(side * factor) for side in picture.rgba.shape[:2])
    if result.rgba.shape[:2] != (height, width):
        found = "x".join(map(str, reversed(result.rgba.shape[:2])))
        return f"{found} px, expected {width}x{height}"
    largest, root_mean_square = _measure(picture.rgba, result.rgba)
    if lossy:
        return f"RMS {root_mean_square:.3g} levels" if root_mean_square > LOSSY else ""
    same = picture.white == result.white
    limit = ROUNDING * 255 / result.white + FLOAT32 if same else OTHER_DEPTH
    return f"up to {largest:.3g} levels" if largest > limit else ""


def _measure(source: Any, result: Any) -> tuple[float, float]:
    """Return the largest difference, and the root of the mean square, in levels of 255."""
    channels = 3 if source[:, :, 3].min() == result[:, :, 3].min() == 1 else 4
    source = source[:, :, :channels].astype(np.float64)
    largest, squares, count = 0.0, 0.0, 0
    for start in range(0, len(result), STRIP_PX):
        strip = result[start : start + STRIP_PX, :, :channels]
        rows = np.arange(start, start + len(strip))
        expected = np.clip(enlarge(source, rows, result.shape[:2], combine_by_cubic), 0, 1)
        levels = np.abs(strip - expected) * 255
        if channels == 4:
            visible = enlarge(source[:, :, 3:] > 0, rows, result.shape[:2], combine_by_minimum)
            compared = np.broadcast_to(visible, levels.shape).copy()
            compared[:, :, 3] = True
            levels = levels[compared]
        largest = max(largest, float(levels.max()))
        squares, count = squares + float(np.sum(levels**2)), count + levels.size
    return largest, math.sqrt(squares / count)


def enlarge(pixels: Any, rows: Any, size: tuple[int, int], combine: Combine) -> Any:
    """Enlarge (H, W, C) by the cubic kernel of Keys with a = -0.75, without clipping.

    Args:
        pixels: float64, or whatever `combine` takes.
        rows: of the result, those to compute.
        size: of the whole result.
        combine: makes one array of the four parts of each row or column, and their distances.
    """
    part = _enlarge_axis(pixels, rows, size[0], 0, combine)
    return _enlarge_axis(part, np.arange(size[1]), size[1], 1, combine)


def _enlarge_axis(pixels: Any, outputs: Any, count: int, axis: int, combine: Combine) -> Any:
    length = pixels.shape[axis]
    position = (outputs + 0.5) * (length / count) - 0.5
    first = np.floor(position).astype(int) - 1
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    taps = [np.clip(first + tap, 0, length - 1) for tap in range(4)]
    distances = [np.reshape(position - first - tap, shape) for tap in range(4)]
    return combine([pixels.take(tap, axis) for tap in taps], distances)


def combine_by_cubic(parts: list[Any], distances: list[Any]) -> Any:
    """Sum the parts, weighted by their distances."""
    return sum(part * _kernel(away) for part, away in zip(parts, distances, strict=True))


def combine_by_minimum(parts: list[Any], _distances: list[Any]) -> Any:
    """Return where all parts are true."""
    return np.minimum.reduce(parts)


def _kernel(distance: Any, a: float = -0.75) -> Any:
    t = np.abs(distance)
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    return np.where(t <= 1, near, np.where(t < 2, a * (t**3 - 5 * t**2 + 8 * t - 4), 0))
