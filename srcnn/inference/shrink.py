"""Make a picture smaller: what `--when-larger shrink` does with an image above its target.

By the cubic of Keys with a = -0.5, stretched over the pixels that become one, so that none is
skipped; Pillow and MATLAB resize like this. It is computed on the values of the file, which are
gamma-encoded, as all else here is: in linear light, fine dark lines would fade.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.images.alpha import bleed
from srcnn.images.pixels import Pixels, has_alpha
from srcnn.inference.any_graph.resize_result import Axis, Indices, sum_taps

NOTE = "made smaller, to its target, without the network"
_BLOCK_BYTES = 2 * 2**20  # of a tap of some rows, of which a few are held

Floats = npt.NDArray[Any]


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
    height, width = (Axis(*sides) for sides in zip(picture.shape[:2], size, strict=True))
    columns, across = width.compute_weights(slice(0, width.after))
    across = across.astype(depth)
    for block in _split_rows(size.height, planes.shape[1] * planes.shape[2] * depth.itemsize):
        raise_if_cancelled()
        rows, down = height.compute_weights(block)
        low = _sum_rows(planes, rows, down.astype(depth), is_weighted=has_alpha(picture))
        values = sum_taps(low, columns, across, axis=1)
        if has_alpha(picture):
            _divide_by_alpha(values)
        rows_out[block] = np.rint(np.clip(values, 0, np.iinfo(picture.dtype).max))
    return bleed(result)


def _add_channels(picture: Pixels) -> Pixels:
    planes: Pixels = picture.reshape(*picture.shape[:2], -1)
    return planes


def _split_rows(rows: int, row_bytes: int) -> Iterator[slice]:
    """Yield blocks of the result's rows; `row_bytes` are those of a row of the picture."""
    count = max(1, _BLOCK_BYTES // row_bytes)
    return (slice(start, min(start + count, rows)) for start in range(0, rows, count))


def _sum_rows(planes: Pixels, sources: Indices, weights: Floats, *, is_weighted: bool) -> Floats:
    """Sum rows, a tap of all at a time; if `is_weighted`, colours are multiplied by alpha."""
    total = np.zeros((len(sources), *planes.shape[1:]), weights.dtype)
    for tap in range(sources.shape[1]):
        taken = planes[sources[:, tap]].astype(weights.dtype)
        if is_weighted:
            taken[:, :, :-1] *= taken[:, :, -1:]
        taken *= weights[:, tap].reshape(-1, 1, 1)
        total += taken
    return total


def _divide_by_alpha(values: Floats) -> None:
    """Make colours that were multiplied by alpha straight again, where there is any alpha left."""
    alpha = values[:, :, -1:]
    is_visible = alpha >= 0.5  # noqa: PLR2004 - of a level: less becomes 0
    values[:, :, :-1] *= is_visible / np.where(is_visible, alpha, 1)
