"""How to run a model's graph: its inputs and outputs, its pixels, and the factors that it supports.

Plain and frozen: it is found once, by `srcnn.graphs.describe`, and pickled to other processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Factor, Size, compute_output_size
from srcnn.graphs.accepted_sizes import AcceptedSizes
from srcnn.graphs.free_axes import COLOURS, Layout
from srcnn.model.pixel_format import WHITE, Convention, Rounding, find_white, is_rgb

DEFAULT_FACTOR = Factor(Fraction(2), Fraction(2))


@dataclass(frozen=True)
class GraphInterface:
    """How to run a graph.

    Attributes:
        image: name of the input, a picture.
        element: its element type: float32, float16 or uint8.
        factor: name of the input (4,) [1, 1, fh, fw]; None if the factor is fixed.
        fixed: the fixed factor; None if the factor is an input.
        output: name of the output, a picture of as many channels.
        output_element: its element type.
        convention: of the pixels of input and output.
        convention_is_known: whether the graph or the user stated the convention.
        rounding: how the output is converted to integers.
        layout: the order of the input's axes.
        output_layout: the order of the output's axes.
        sizes: the sizes of pictures that it takes.
        channels: 3 for colours, 1 for luma alone.
        quality: name of the input (1,), the quality of the source, 1 to 100; None if it has none.
        enlarge_first: whether it is given pictures that the cubic has enlarged, to any size; its
            own factor is 1 then.
    """

    image: str
    element: np.dtype[Any]
    factor: str | None
    fixed: Factor | None
    output: str
    output_element: np.dtype[Any]
    convention: Convention
    convention_is_known: bool
    rounding: Rounding
    layout: Layout = "nchw"
    output_layout: Layout = "nchw"
    sizes: AcceptedSizes = field(default_factory=AcceptedSizes)
    channels: int = COLOURS
    quality: str | None = None
    enlarge_first: bool = False

    @property
    def default_scale(self) -> Factor:
        """The scale if the user gives none: the model's fixed factor, or 2."""
        return DEFAULT_FACTOR if self.enlarge_first else self.fixed or DEFAULT_FACTOR

    def find_graph_size(self, size_in: Size, size_out: Size) -> Size:
        """Return the size of the graph's result, which is resized if it is not `size_out`.

        Args:
            size_in: of the picture.
            size_out: that was asked for.
        """
        if self.enlarge_first or self.fixed is None:
            return size_out
        return compute_output_size(size_in, self.fixed)

    def list_resizing(self, size_in: Size, size_out: Size) -> tuple[str, ...]:
        """Return a note for the report, if the graph's result is resized; none otherwise.

        It has no sizes in it, because equal notes are counted.

        Args:
            size_in: of the picture.
            size_out: that was asked for.
        """
        found = self.find_graph_size(size_in, size_out)
        if found == size_out:
            return ()
        how = "reduced" if found.pixels > size_out.pixels else "enlarged by the cubic"
        return (f"enlarged by the model's factor {self.fixed}, then {how} to the size asked for",)

    @property
    def is_split_safe(self) -> bool:
        """Whether its parts can run separately: float32 BGR 0..255, of any size."""
        plain = self.element == self.output_element == np.float32 and self.channels == COLOURS
        usual = self.layout == self.output_layout == "nchw"
        return plain and usual and self.convention == "bgr-byte" and not self.sizes.only

    def _find_white(self, element: np.dtype[Any]) -> float:
        return WHITE if element == np.uint8 else find_white(self.convention)

    def to_graph(self, planes: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Convert (H, W, C) float32 0..255, BGR or luma, to the graph's input: a batch of 1."""
        ordered = planes[:, :, ::-1] if is_rgb(self.convention) else planes
        if self.layout == "nchw":
            ordered = ordered.transpose(2, 0, 1)
        block = np.ascontiguousarray(ordered)[None] * (self._find_white(self.element) / WHITE)
        return (np.rint(block) if self.element == np.uint8 else block).astype(self.element)

    def from_graph(self, block: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert the graph's output, a batch of 1, to (H, W, C) float32 0..255, BGR or luma."""
        planes = block[0].transpose(1, 2, 0) if self.output_layout == "nchw" else block[0]
        ordered = planes[:, :, ::-1] if is_rgb(self.convention) else planes
        white = self._find_white(self.output_element)
        scaled: npt.NDArray[np.float32] = ordered.astype(np.float32) * np.float32(WHITE / white)
        return scaled
