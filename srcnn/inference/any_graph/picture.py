"""A picture as graphs see it: windows of it as floats, and results as its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.graphs.graph_format import CLEAN
from srcnn.images.pixels import COLOURS, LEVELS, to_integers
from srcnn.inference.any_graph.resize_result import Axis, resample
from srcnn.model.pixel_format import Rounding

Planes = npt.NDArray[np.float32]

_FLOATS = np.dtype(np.float32)  # 0..255, as planes have them


class Piece(NamedTuple):
    """A piece of a graph's result.

    Attributes:
        planes: (h, w, 3) float32 0..255.
        top: its first row in the result.
        left: its first column in the result.
    """

    planes: Planes
    top: int = 0
    left: int = 0

    def crop(self, rows: slice, columns: slice) -> Planes:
        """Return a part of it.

        Args:
            rows: of the graph's result.
            columns: of the graph's result.
        """
        return self.planes[
            rows.start - self.top : rows.stop - self.top,
            columns.start - self.left : columns.stop - self.left,
        ]


@dataclass(frozen=True)
class Picture:
    """A picture and its result.

    Attributes:
        image: (H, W, 3) BGR or (H, W, 1) grey; uint8, uint16, or float32 0..255.
        result: (H', W', C) of the same type, to be filled. float32 is neither clipped nor
            rounded, unless it is resized: then it is clipped before.
        rounding: how the graph's output is converted to integers.
        size_graph: of the graph's result; if it is not that of `result`, it is resized.
        quality: of the source, 1 to 100, for a graph that takes it.
    """

    image: npt.NDArray[Any]
    result: npt.NDArray[Any]
    rounding: Rounding
    size_graph: Size
    quality: float = CLEAN

    @property
    def size_in(self) -> Size:
        """The size of the picture."""
        return Size(*self.image.shape[:2])

    @property
    def is_resized(self) -> bool:
        """Whether the graph's result has another size than that asked for."""
        return self.size_graph != self.result.shape[:2]

    @property
    def reach(self) -> Size:
        """How far around a part of the graph's result pixels are needed, for it to be resized."""
        rows, columns = self._axes
        return Size(rows.reach, columns.reach)

    @property
    def _axes(self) -> tuple[Axis, Axis]:
        height, width = self.result.shape[:2]
        return Axis(self.size_graph.height, height), Axis(self.size_graph.width, width)

    def read(self, rows: slice, columns: slice) -> Planes:
        """Return a window, (h, w, 3) float32 0..255, with grey in all planes.

        Args:
            rows: of the picture; what lies behind it is left out.
            columns: of the picture.
        """
        part = self.image[rows, columns].astype(np.float32)
        if self.image.dtype != _FLOATS:
            part /= np.float32(LEVELS[self.image.dtype])
        return np.broadcast_to(part, (*part.shape[:2], COLOURS))

    def write(self, rows: slice, columns: slice, piece: Piece) -> None:
        """Store a part of the result.

        Args:
            rows: of the graph's result.
            columns: of the graph's result.
            piece: the part, and more around it if it is resized; see `reach`.
        """
        if not self.is_resized:
            self._store(rows, columns, self._merge_grey(piece.crop(rows, columns)))
            return
        down, across = self._axes
        places = down.place(rows), across.place(columns)
        planes = self._merge_grey(piece.planes)
        for block, resized in resample(planes, (piece.top, piece.left), self._axes, places):
            self._store(block, places[1], resized)

    def _store(self, rows: slice, columns: slice, planes: Planes) -> None:
        depth = self.result.dtype
        stored = planes if depth == _FLOATS else to_integers(planes, depth, self.rounding)
        self.result[rows, columns] = stored

    def _merge_grey(self, planes: Planes) -> Planes:
        if self.image.shape[2] > 1:
            return planes
        # A plain mean and not luma, which favours green: all planes had the same grey input.
        merged: Planes = planes.mean(axis=2, keepdims=True)
        return merged
