"""Extract parts of pictures for the engine's graphs, and put their results in place."""

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
"""A half-open range: the first, and one after the last."""

Box: TypeAlias = tuple[Range, Range]
"""A part of the result: its rows and columns."""


class TiledImage(NamedTuple):
    """A picture that is enlarged tile by tile.

    Attributes:
        image: (H, W, C).
        result: (H', W', C), filled tile by tile.
        pixel_format: of both.
        network: for the factor and the channels of the picture.
    """

    image: Array
    result: Array
    pixel_format: PixelFormat
    network: Network

    @property
    def size_in(self) -> Size:
        """Size of the picture."""
        return Size(*self.image.shape[:2])

    @property
    def size_out(self) -> Size:
        """Size of the result."""
        return Size(*self.result.shape[:2])


def extract_part(image: Array, rows: Range, columns: Range) -> Array:
    """Extract a part of a picture; outside the picture, the border is repeated.

    Args:
        image: (H, W, C).
        rows: may begin before the first row and end after the last.
        columns: may begin before the first column and end after the last.
    """
    (top, bottom), (left, right) = (
        _count_outside(span, length)
        for span, length in zip((rows, columns), image.shape, strict=False)
    )
    inside = image[rows[0] + top : rows[1] - bottom, columns[0] + left : columns[1] - right]
    if top or bottom or left or right:
        inside = np.ascontiguousarray(inside)
        inside = cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_REPLICATE)
    # OpenCV drops the last axis if its length is 1.
    shape = (rows[1] - rows[0], columns[1] - columns[0], image.shape[2])
    return np.ascontiguousarray(inside).reshape(shape)


def _count_outside(span: Range, length: int) -> tuple[int, int]:
    return max(-span[0], 0), max(span[1] - length, 0)


def place_blocks(blocks: Array, block: tuple[int, int], target: Array) -> None:
    """Put blocks of pixels in their places in a part of the result.

    Args:
        blocks: (places, block height * block width * C), places row by row.
        block: height and width of a block.
        target: (H, W, C), a view of the result; the last blocks may extend past its end.
    """
    height, width, channels = target.shape
    down, across = -(-height // block[0]), -(-width // block[1])
    # Each row of a block is copied as one item of bytes.
    item = np.dtype((np.void, block[1] * channels * target.itemsize))
    ordered = np.empty((down, block[0], across), item)
    ordered[...] = blocks.view(item).reshape(down, across, block[0]).transpose(0, 2, 1)
    pixels = ordered.view(target.dtype).reshape(down * block[0], across * block[1], channels)
    target[...] = pixels[:height, :width]
