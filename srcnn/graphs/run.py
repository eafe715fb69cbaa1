"""Run a graph on the CPU for a comparison, with ONNX Runtime's optimiser on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import onnxruntime

from srcnn.graphs.contract import FACTOR, INPUT

if TYPE_CHECKING:
    from srcnn.graphs.cases import Float32

_LOG_FATAL_ONLY = 4


class Runner(Protocol):
    """A graph that is ready to run."""

    def __call__(self, image: Float32, scales: Float32) -> Float32:
        """Run (N, 3, H, W) float32 with (4,) float32 scales, or without where they are fixed."""


def open_graph(content: bytes, *, optimised: bool) -> Runner:
    """Load a graph.

    Args:
        content: the ONNX file.
        optimised: ORT_ENABLE_ALL, else ORT_DISABLE_ALL.

    Raises:
        Exception: ONNX Runtime cannot load it; its exceptions share no other base.
    """
    session = open_session(content, optimised=optimised)
    live = any(value.name == FACTOR for value in session.get_inputs())

    def run(image: Float32, scales: Float32) -> Float32:
        feeds: dict[str, Any] = {INPUT: image} | ({FACTOR: scales} if live else {})
        result: Float32 = session.run(None, feeds)[0]
        return result

    return run


def open_session(content: bytes, *, optimised: bool) -> onnxruntime.InferenceSession:
    """Load a graph, as `open_graph`, for other outputs than the image."""
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    options.log_severity_level = _LOG_FATAL_ONLY  # what fails is raised too, and told once
    # Idle threads that spin would take the cores from PyTorch, which runs in turn with this.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        content, sess_options=options, providers=["CPUExecutionProvider"]
    )
