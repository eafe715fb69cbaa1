"""A picture that is enlarged tile by tile: pixels to planes of floats, and back.

OpenCV adds, scales, rounds and clips in one step, and orders bytes; ONNX Runtime needs a step for
each, and several times as long in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.inference.engine.network import Float32, Network
from srcnn.model.pixel_format import Rounding
from srcnn.runtime.onnx_session import check_finite

Array: TypeAlias = npt.NDArray[Any]
Range: TypeAlias = tuple[int, int]
"""A half-open range: the first, and one after the last."""

Box: TypeAlias = tuple[Range, Range]
"""A part of the result: its rows and columns."""

_DEPTHS = {np.dtype(np.uint8): cv2.CV_8U, np.dtype(np.uint16): cv2.CV_16U}
# Grey levels of an element type per level of the network's 0..255; for uint16 65535 / 255.
_LEVELS = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 257.0, np.dtype(np.float32): 1.0}
_BLOCK_AXES = 4


class TiledImage(NamedTuple):
    """A picture that is enlarged tile by tile.

    Attributes:
        image: (H, W, C) uint8, uint16, or float32 0..255.
        result: (H', W', C) of the same type, filled tile by tile.
        rounding: how values are converted to integers; float32 is neither clipped nor rounded.
        network: for the factor and the channels of the picture.
    """

    image: Array
    result: Array
    rounding: Rounding
    network: Network

    @property
    def size_in(self) -> Size:
        """Size of the picture."""
        return Size(*self.image.shape[:2])

    @property
    def size_out(self) -> Size:
        """Size of the result."""
        return Size(*self.result.shape[:2])

    def read(self, rows: Range, columns: Range) -> Float32:
        """Read a part of the picture; outside the picture, the border is repeated.

        Args:
            rows: may begin before the first row and end after the last.
            columns: may begin before the first column and end after the last.

        Returns:
            Planes (C, H, W), 0..255.
        """
        (top, bottom), (left, right) = (
            (max(-start, 0), max(stop - length, 0))
            for (start, stop), length in zip((rows, columns), self.size_in, strict=True)
        )
        down = slice(rows[0] + top, rows[1] - bottom)
        across = slice(columns[0] + left, columns[1] - right)
        inside = self.image[down, across].transpose(2, 0, 1)
        planes = np.ascontiguousarray(inside, dtype=np.float32)
        if top or bottom or left or right:
            planes = np.pad(planes, ((0, 0), (top, bottom), (left, right)), mode="edge")
        levels = _LEVELS[self.image.dtype]
        return planes if levels == 1 else planes / np.float32(levels)

    def place(self, outputs: Sequence[Float32], block: tuple[int, int], box: Box) -> None:
        """Put a tile in its place in the result.

        Args:
            outputs: of a graph; see `graph_writer`.
            block: height and width of the blocks of pixels in it.
            box: where they belong; the outputs may extend past its end.

        Raises:
            InferenceFailedError: a value is not finite.
        """
        stacks = [
            order_blocks(each, block) if each.ndim == _BLOCK_AXES else each for each in outputs
        ]
        for plane in (plane for stack in stacks for plane in stack):
            check_finite(cv2.sumElems(plane)[0])
        added = stacks[0][0] if stacks[1:] else None
        planes = [self._convert(plane, added) for plane in stacks[-1]]
        target = self.result[slice(*box[0]), slice(*box[1])]
        height, width = target.shape[:2]
        target[...] = cv2.merge([plane[:height, :width] for plane in planes]).reshape(target.shape)

    def _convert(self, plane: Float32, added: Float32 | None) -> Array:
        """Convert the sum of two planes (H, W) 0..255 to levels of the result."""
        element = self.result.dtype
        levels = _LEVELS[element]
        other, share = (plane, 0.0) if added is None else (added, levels)
        if element in _DEPTHS and self.rounding == "nearest":  # halves to even
            return cv2.addWeighted(plane, levels, other, share, 0, dtype=_DEPTHS[element])
        total = cv2.addWeighted(plane, levels, other, share, 0)
        if element == np.float32:
            return total
        return np.clip(total, 0, np.iinfo(element).max).astype(element)


def order_blocks(values: Float32, block: tuple[int, int]) -> Float32:
    """Order blocks of pixels, which a convolution computed as channels.

    Args:
        values: (1, block height * block width * planes, places down, places across).
        block: height and width.

    Returns:
        (planes, height, width).
    """
    _, channels, down, across = values.shape
    planes = channels // (block[0] * block[1])
    ordered = np.empty((planes, down, block[0], across, block[1]), np.float32)
    ordered[...] = values.reshape(*block, planes, down, across).transpose(2, 3, 0, 4, 1)
    return ordered.reshape(planes, down * block[0], across * block[1])
