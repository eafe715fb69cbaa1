"""Make a picture smaller: what `--when-larger shrink` does with an image above its target.

By the cubic of Keys with a = -0.5, stretched over the pixels that become one, so that none is
skipped; Pillow and MATLAB resize like this. It is computed on the values of the file, which are
gamma-encoded, as all else here is: in linear light, fine dark lines would fade.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.images.alpha import bleed
from srcnn.images.pixels import Pixels, has_alpha
from srcnn.inference.any_graph.resize_result import Axis

NOTE = "made smaller, to its target, without the network"
# Pixels of the result that are summed by one product of matrices. More would multiply more zeros.
_BAND_PX = 8
_BLOCK_BYTES = 2 * 2**20  # of rows that are summed vertically, and then horizontally
_CACHE_BYTES = 2**18  # of pixels as floats, which are in a core's cache when they are summed

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class _Band:
    """Some neighbours on an axis of the result.

    Attributes:
        part: where they are on that axis.
        taps: where the pixels are that they are summed from, on the axis of the picture.
        weights: (pixels of the part, pixels of the taps).
    """

    part: slice
    taps: slice
    weights: Floats


def shrink(
    picture: Pixels, size: Size, raise_if_cancelled: Callable[[], None] = lambda: None
) -> Pixels:
    """Make a picture smaller, some rows at a time.

    Colours count as much as they are opaque. Transparent pixels get the colour of visible ones near
    them, as they do when a picture is enlarged.

    Args:
        picture: (H, W), (H, W, 2), (H, W, 3) or (H, W, 4), uint8 or uint16; alpha is last.
        size: of the result; neither side is longer than that of the picture.
        raise_if_cancelled: called before some rows; raises to stop.

    Returns:
        An array of the same kind, rounded once, to the nearest.
    """
    # Sums of 16 bits, times an alpha of 16 bits, need more than the 24 bits of float32.
    depth = np.dtype(np.float32 if picture.dtype == np.uint8 else np.float64)
    result: Pixels = np.empty((*size, *picture.shape[2:]), picture.dtype)
    planes, rows_out = _add_channels(picture), _add_channels(result)
    row_bytes = planes.shape[1] * planes.shape[2] * depth.itemsize
    band_px = min(_BAND_PX, max(1, _BLOCK_BYTES // row_bytes))  # fewer of a very wide picture
    down = _make_bands(Axis(picture.shape[0], size.height), depth, band_px)
    across = _make_bands(Axis(picture.shape[1], size.width), depth, _BAND_PX)
    for rows in _group(down, max(1, _BLOCK_BYTES // (band_px * row_bytes))):
        raise_if_cancelled()
        values = _sum_columns(_sum_rows(planes, rows, is_weighted=has_alpha(picture)), across)
        if has_alpha(picture):
            _divide_by_alpha(values)
        part = slice(rows[0].part.start, rows[-1].part.stop)
        rows_out[part] = np.rint(np.clip(values, 0, np.iinfo(picture.dtype).max))
    return bleed(result)


def _add_channels(picture: Pixels) -> Pixels:
    planes: Pixels = picture.reshape(*picture.shape[:2], -1)
    return planes


def _make_bands(axis: Axis, depth: np.dtype[Any], band_px: int) -> list[_Band]:
    sources, weights = axis.compute_weights(slice(0, axis.after))
    bands = []
    for start in range(0, axis.after, band_px):
        part = slice(start, min(start + band_px, axis.after))
        taps = slice(int(sources[part].min()), int(sources[part].max()) + 1)
        matrix = np.zeros((part.stop - start, taps.stop - taps.start))
        # Taps beyond the picture are at its border, with a weight of 0: they must not replace one.
        np.add.at(
            matrix, (np.arange(len(matrix))[:, None], sources[part] - taps.start), weights[part]
        )
        bands.append(_Band(part, taps, matrix.astype(depth)))
    return bands


def _group(bands: Sequence[_Band], count: int) -> Iterator[Sequence[_Band]]:
    return (bands[start : start + count] for start in range(0, len(bands), count))


def _sum_rows(planes: Pixels, bands: Sequence[_Band], *, is_weighted: bool) -> Floats:
    """Sum rows; if `is_weighted`, colours are multiplied by alpha before."""
    return np.concatenate([_sum_band(planes, band, is_weighted=is_weighted) for band in bands])


def _sum_band(planes: Pixels, band: _Band, *, is_weighted: bool) -> Floats:
    depth = band.weights.dtype
    summed = np.empty((len(band.weights), *planes.shape[1:]), depth)
    column_bytes = band.weights.shape[1] * planes.shape[2] * depth.itemsize
    count = max(1, _CACHE_BYTES // column_bytes)
    for start in range(0, planes.shape[1], count):
        columns = slice(start, start + count)
        taken = planes[band.taps, columns].astype(depth)
        if is_weighted:
            _multiply_colours(taken, taken[:, :, -1].copy())
        summed[:, columns] = _multiply(band.weights, taken)
    return summed


def _sum_columns(rows: Floats, bands: Sequence[_Band]) -> Floats:
    columns = np.ascontiguousarray(rows.swapaxes(0, 1))
    summed = [_multiply(band.weights, columns[band.taps]) for band in bands]
    return np.concatenate(summed).swapaxes(0, 1)


def _multiply(weights: Floats, taken: Floats) -> Floats:
    product: Floats = weights @ taken.reshape(len(taken), -1)
    return product.reshape(len(weights), *taken.shape[1:])


def _divide_by_alpha(values: Floats) -> None:
    """Make colours that were multiplied by alpha straight again, where there is any alpha left."""
    alpha = values[:, :, -1]
    is_visible = alpha >= 0.5  # noqa: PLR2004 - of a level: less becomes 0
    _multiply_colours(values, is_visible / np.where(is_visible, alpha, 1))


def _multiply_colours(planes: Floats, factors: Floats) -> None:
    # One plane after the other: NumPy takes four times as long for three values at a time.
    for plane in range(planes.shape[2] - 1):
        planes[:, :, plane] *= factors
