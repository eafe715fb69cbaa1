"""How to run a model's graph: its inputs and outputs, its pixels, and the factors that it supports.

Plain and frozen: it is found once, by `srcnn.graphs.describe`, and pickled to other processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.errors import UsageError
from srcnn.geometry import Factor, Scale, Size, compute_output_size
from srcnn.model.card import Convention, Rounding

DEFAULT_FACTOR = Factor(Fraction(2), Fraction(2))


@dataclass(frozen=True)
class GraphInterface:
    """How to run a graph.

    Attributes:
        image: name of the input (N, 3, H, W).
        element: its element type: float32, float16 or uint8.
        factor: name of the input (4,) [1, 1, fh, fw]; None if the factor is fixed.
        fixed: the fixed factor; None if the factor is an input.
        output: name of the output (N, 3, H', W').
        output_element: its element type.
        convention: of the pixels of input and output: RGB in [0, 1] or BGR in 0..255.
        convention_is_known: whether the graph or the user stated the convention.
        rounding: how the output is converted to integers.
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

    @property
    def default_scale(self) -> Factor:
        """The scale if the user gives none: the model's fixed factor, or 2."""
        return self.fixed or DEFAULT_FACTOR

    def check_scale(self, scale: Scale, size: Size | None = None) -> None:
        """Check that the model supports a scale.

        Args:
            scale: the requested scale.
            size: of the picture; needed for a target, whose factor depends on it.

        Raises:
            UsageError: the model has a fixed factor, and the scale is another.
        """
        if self.fixed is None or scale == self.fixed:
            return
        if size and compute_output_size(size, scale) == compute_output_size(size, self.fixed):
            return
        if size or isinstance(scale, Factor):
            raise UsageError(f"scale {scale}: the model has the fixed factor {self.fixed}")

    @property
    def is_split_safe(self) -> bool:
        """Whether its parts can run separately: float32 BGR 0..255 and a factor as input."""
        plain = self.element == self.output_element == np.float32
        return bool(self.factor) and plain and self.convention == "bgr-byte"

    def _find_white(self, element: np.dtype[Any]) -> float:
        return 1.0 if self.convention == "rgb-unit" and element != np.uint8 else 255.0

    def to_graph(self, planes: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Convert (H, W, 3) float32 BGR 0..255 to the graph's input (1, 3, H, W)."""
        ordered = planes[:, :, ::-1] if self.convention == "rgb-unit" else planes
        block = np.ascontiguousarray(ordered.transpose(2, 0, 1))[None] * (
            self._find_white(self.element) / 255
        )
        return (np.rint(block) if self.element == np.uint8 else block).astype(self.element)

    def from_graph(self, planes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert the graph's output, as (H, W, 3), to float32 BGR 0..255."""
        ordered = planes[:, :, ::-1] if self.convention == "rgb-unit" else planes
        return ordered.astype(np.float32) * np.float32(255 / self._find_white(self.output_element))
