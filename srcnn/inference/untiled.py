"""Run any graph as it is, on the whole picture.

For models that the engine cannot compute in tiles (see `engine.network_from_onnx`). The memory
that a picture needs depends on the graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from srcnn.errors import InferenceFailedError
from srcnn.geometry import Size, make_resize_factor
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.images.pixels import COLOURS, LEVELS, to_integers
from srcnn.runtime.onnx_session import check_finite, make_run

Array = npt.NDArray[Any]


class UntiledGraph:
    """Runs a graph, one picture at a time; threads may share it."""

    def __init__(self, session: onnxruntime.InferenceSession, info: GraphInterface) -> None:
        """Store the graph.

        Args:
            session: of the graph.
            info: inputs and outputs of the graph.
        """
        self._run = make_run(session)
        self._info = info
        # A run needs hundreds of bytes per output pixel, so only one runs at a time.
        self._one_at_a_time = threading.Lock()

    def enlarge(self, image: Array, result: Array, raise_if_cancelled: Callable[[], None]) -> None:
        """Run the graph on a picture; see `engine.Engine.enlarge`.

        Raises:
            InferenceFailedError: a value is not finite, the output has the wrong size, or the
                runtime fails.
        """
        size_in, size_out = Size(*image.shape[:2]), Size(*result.shape[:2])
        levels = np.float32(LEVELS[image.dtype])
        planes = np.broadcast_to(image.astype(np.float32) / levels, (*size_in, COLOURS))
        feeds = {self._info.image: self._info.to_graph(planes)}
        if self._info.factor:
            feeds[self._info.factor] = make_resize_factor(size_in, size_out)
        with self._one_at_a_time:
            raise_if_cancelled()
            (output,) = self._run(feeds)
        planes = self._info.from_graph(output[0].transpose(1, 2, 0))
        if planes.shape != (*size_out, COLOURS):
            raise InferenceFailedError(
                f"the model's output has the shape {planes.shape}, expected {(*size_out, COLOURS)}"
            )
        check_finite(planes.mean())
        if image.shape[2] == 1:
            # A plain mean and not luma, which favours green: all planes had the same grey input.
            planes = planes.mean(axis=2, keepdims=True)
        result[:] = to_integers(planes, result.dtype, self._info.rounding)
