"""Parts of pictures, as the engine's graphs take and give them."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.inference.engine.graph_writer import PixelFormat
from srcnn.inference.engine.network import Network

Array: TypeAlias = npt.NDArray[Any]
Range: TypeAlias = tuple[int, int]
"""Half-open: the first, and one after the last."""

Box: TypeAlias = tuple[Range, Range]
"""A part of the result: rows and columns."""


class TiledImage(NamedTuple):
    """A picture on its way.

    Attributes:
        image: (H, W, C).
        result: (H', W', C), filled tile by tile.
        kind: of the pixels of both.
        network: for its factor and its channels.
    """

    image: Array
    result: Array
    kind: PixelFormat
    network: Network

    @property
    def size_in(self) -> Size:
        """Of the picture."""
        return Size(*self.image.shape[:2])

    @property
    def size_out(self) -> Size:
        """Of its result."""
        return Size(*self.result.shape[:2])


def extract_part(image: Array, rows: Range, columns: Range) -> Array:
    """A part of a picture, its border repeated where the part lies outside.

    Args:
        image: (H, W, C).
        rows: half-open; may begin before the picture and end behind it.
        columns: likewise.
    """
    (top, bottom), (left, right) = (
        _outside(span, length) for span, length in zip((rows, columns), image.shape, strict=False)
    )
    inside = image[rows[0] + top : rows[1] - bottom, columns[0] + left : columns[1] - right]
    if top or bottom or left or right:
        inside = np.ascontiguousarray(inside)
        inside = cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_REPLICATE)
    shape = (
        rows[1] - rows[0],
        columns[1] - columns[0],
        image.shape[2],
    )  # OpenCV drops an axis of 1
    return np.ascontiguousarray(inside).reshape(shape)


def _outside(span: Range, length: int) -> tuple[int, int]:
    return max(-span[0], 0), max(span[1] - length, 0)


def place(blocks: Array, block: tuple[int, int], target: Array) -> None:
    """Lay blocks of pixels out in a part of the result.

    Args:
        blocks: (places, block height * block width * C), places row by row.
        block: height and width of a block.
        target: (H, W, C), a view; the last blocks may reach over its end.
    """
    height, width, channels = target.shape
    down, across = -(-height // block[0]), -(-width // block[1])
    # A block's row moves as one item: a copy of bytes, not of numbers.
    item = np.dtype((np.void, block[1] * channels * target.itemsize))
    laid = np.empty((down, block[0], across), item)
    laid[...] = blocks.view(item).reshape(down, across, block[0]).transpose(0, 2, 1)
    pixels = laid.view(target.dtype).reshape(down * block[0], across * block[1], channels)
    target[...] = pixels[:height, :width]
