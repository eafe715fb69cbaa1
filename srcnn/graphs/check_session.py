"""Run a graph on the CPU for a comparison, with ONNX Runtime's optimiser on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnxruntime

from srcnn.graphs.graph_format import FACTOR, INPUT, QUALITY
from srcnn.runtime.onnx_session import restrict_format, use_shared_memory
from srcnn.runtime.stoppable_run import make_deadline, run_stoppably

if TYPE_CHECKING:
    from srcnn.graphs.check_cases import Float32

_LOG_FATAL_ONLY = 4


class LoadedGraph(Protocol):
    """A graph that was loaded and can be run."""

    def __call__(self, image: Float32, scales: Float32, quality: float | None = None) -> Float32:
        """Run the graph.

        Args:
            image: (N, 3, H, W) float32.
            scales: (4,) float32; ignored by a fixed factor.
            quality: of the source; None to leave it out.
        """


def open_graph(content: bytes, *, optimised: bool) -> LoadedGraph:
    """Load a graph.

    Args:
        content: of the ONNX file.
        optimised: ORT_ENABLE_ALL if true, else ORT_DISABLE_ALL.

    Raises:
        Exception: ONNX Runtime cannot load it; its exceptions have no other common base.
    """
    session = open_session(content, optimised=optimised)
    is_live = any(value.name == FACTOR for value in session.get_inputs())

    def run(image: Float32, scales: Float32, quality: float | None = None) -> Float32:
        feeds: dict[str, Any] = {INPUT: image} | ({FACTOR: scales} if is_live else {})
        if quality is not None:
            feeds[QUALITY] = np.array([quality], np.float32)
        result: Float32 = run_stoppably(session, None, feeds, make_deadline())[0]
        return result

    return run


def open_session(content: bytes, *, optimised: bool) -> onnxruntime.InferenceSession:
    """Load a graph like `open_graph`, but return the session, for outputs other than the image."""
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    options.log_severity_level = (
        _LOG_FATAL_ONLY  # errors are raised as well, so no need to log them
    )
    # Idle threads that spin would take cores away from PyTorch, which runs in turn with this.
    restrict_format(options)
    use_shared_memory(options)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        content, sess_options=options, providers=["CPUExecutionProvider"]
    )
