"""Run a graph on one part of a picture: pixels in, float pixels out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from srcnn.errors import InferenceFailedError, SrcnnError
from srcnn.geometry import Factor, Size, compute_output_size, make_resize_factor
from srcnn.graphs.graph_format import CLEAN
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.any_graph.luma import add_colours, to_luma
from srcnn.runtime.onnx_session import check_finite, extract_first_line
from srcnn.runtime.stoppable_run import run_stoppably

Planes = npt.NDArray[np.float32]


class GraphRunner:
    """Runs a graph; threads may share it."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        info: GraphInterface,
        quality: float = CLEAN,
    ) -> None:
        """Store the graph.

        Args:
            session: of the graph.
            info: how to run it.
            quality: of the source of its pictures, 1 to 100; for a graph that takes it.
        """
        self._session = session
        self._info = info
        self._quality = quality

    def run(
        self, planes: Planes, raise_if_cancelled: Callable[[], None], size_out: Size | None = None
    ) -> Planes:
        """Enlarge a picture.

        A picture of a size that the graph does not take is continued by its reflection below and
        to the right, and the result is cropped.

        Args:
            planes: (H, W, 3) float32 BGR 0..255.
            raise_if_cancelled: called several times a second; raises to stop.
            size_out: of the result, if the factor is an input; None for the fixed factor.

        Returns:
            (H', W', 3) float32 BGR 0..255, neither clipped nor rounded.

        Raises:
            InferenceFailedError: a value is not finite, the output has the wrong size, or the
                runtime fails.
        """
        size = Size(*planes.shape[:2])
        taken = self._info.sizes.round_up(size)
        if taken != size:
            missing = [(0, after - before) for before, after in zip(size, taken, strict=True)]
            planes = np.pad(planes, [*missing, (0, 0)], mode="symmetric")
        factor = self._info.default_scale
        wanted = size_out or compute_output_size(size, factor)
        expected = wanted if taken == size else compute_output_size(taken, factor)
        is_luma = self._info.channels == 1
        feeds = {self._info.image: self._info.to_graph(to_luma(planes) if is_luma else planes)}
        if self._info.factor:
            feeds[self._info.factor] = make_resize_factor(taken, expected)
        if self._info.quality:
            feeds[self._info.quality] = np.array([self._quality], np.float32)
        found = self._run(feeds, expected, raise_if_cancelled)[: wanted.height, : wanted.width]
        if not is_luma:
            return found
        return add_colours(found, planes, self._info.fixed or _find_factor(taken, expected))

    def _run(
        self, feeds: dict[str, Any], expected: Size, raise_if_cancelled: Callable[[], None]
    ) -> Planes:
        try:
            (output,) = run_stoppably(self._session, None, feeds, raise_if_cancelled)
        except SrcnnError:
            raise
        # The binding's exceptions share no base below Exception.
        except Exception as error:
            raise InferenceFailedError(f"inference failed: {extract_first_line(error)}") from error
        planes = self._info.from_graph(output)
        shape = (*expected, self._info.channels)
        if planes.shape != shape:
            raise InferenceFailedError(
                f"the model's output has the shape {planes.shape}, expected {shape}"
            )
        check_finite(planes.mean())
        return planes


def _find_factor(size_in: Size, size_out: Size) -> Factor:
    height, width = (
        Fraction(after, before) for before, after in zip(size_in, size_out, strict=True)
    )
    return Factor(height, width)
