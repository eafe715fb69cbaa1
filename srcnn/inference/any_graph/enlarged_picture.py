"""A picture that is enlarged before the network sees it, as SRCNN and VDSR were published.

It is enlarged window by window, so that it is never held as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from srcnn.geometry import Size
from srcnn.inference.any_graph.picture import Picture, Planes
from srcnn.inference.any_graph.resize_result import Axis, resample

# MATLAB's `imresize` and Pillow have it, and so had the pictures that such networks learned from.
_A = -0.5


@dataclass(frozen=True)
class EnlargedPicture(Picture):
    """A picture whose windows are those of the cubic's result; see `Picture`."""

    @property
    def size_in(self) -> Size:
        """The size that the network sees: that of the result."""
        return Size(*self.result.shape[:2])

    def read(self, rows: slice, columns: slice) -> Planes:
        """Return a window of the enlarged picture; see `Picture.read`.

        Args:
            rows: of the enlarged picture; what lies behind it is left out.
            columns: of the enlarged picture.
        """
        height, width = self.size_in
        part = (
            slice(rows.start, min(rows.stop, height)),
            slice(columns.start, min(columns.stop, width)),
        )
        down, across = (
            Axis(before, after, _A)
            for before, after in zip(self.image.shape[:2], self.size_in, strict=True)
        )
        sources = _find_sources(down, part[0]), _find_sources(across, part[1])
        planes, origin = super().read(*sources), (sources[0].start, sources[1].start)
        shape = (part[0].stop - part[0].start, part[1].stop - part[1].start, planes.shape[2])
        window = np.empty(shape, np.float32)
        for block, enlarged in resample(planes, origin, (down, across), part):
            window[block.start - part[0].start : block.stop - part[0].start] = enlarged
        return window


def _find_sources(axis: Axis, part: slice) -> slice:
    """Return the pixels from which a part of the enlarged axis is computed."""
    sources, _ = axis.weigh(part)
    return slice(int(sources.min()), int(sources.max()) + 1)
