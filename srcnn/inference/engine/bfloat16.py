"""Run convolutions in bfloat16 with OpenVINO: faster on processors that support it.

Only the convolutions use bfloat16, with sums in float32; `bfloat16_centering` prepares them for
it. The upsampling and the rounding to pixels stay in ONNX Runtime and float32.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import onnx
import onnx.utils

from srcnn.errors import UsageError
from srcnn.extras import require_extra
from srcnn.inference.engine.bfloat16_centering import MIDDLE_GREY, centre
from srcnn.inference.engine.graph_writer import BLOCKS, MEAN, PLANES, VALUES
from srcnn.runtime.onnx_session import Array, Run, make_run, make_session

FAST_FROM = 3
"""The smallest factor at which it is used. At small factors the result is close to the original,
so that rounding costs more: below this factor the first bundled weights lost more than 0.02 dB.
The loss of the current weights is in docs/performance.md."""

# OpenVINO's binding initialises itself in its first inference. Two threads there deadlock: one
# holds Python's lock, the other the lock of the binding (2026.4).
_first_inference, _is_initialised = threading.Lock(), threading.Event()

Arithmetic = Literal["bf16", "f32"]


def check_fast() -> None:
    """Check that bfloat16 is available and faster.

    Raises:
        UsageError: OpenVINO is not installed, or the processor does not support bfloat16.
    """
    require_extra("openvino", "--precision fast")
    core = _make_core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        name = core.get_property("CPU", "FULL_DEVICE_NAME")
        raise UsageError(
            f"--precision fast needs a processor that supports bfloat16 (AVX-512 BF16 or AMX); "
            f"this one ({name.strip()}) does not: use --precision exact"
        )


def load_fast(content: bytes) -> Run:
    """Load one of the engine's graphs, with its convolutions in bfloat16 by OpenVINO.

    Args:
        content: of the ONNX file; see `graph_writer`.
    """
    return load_parts(content, lambda convolutions: CompiledConvolutions(convolutions, "bf16"))


def load_parts(content: bytes, load: Callable[[onnx.ModelProto], Callable[[Array], Array]]) -> Run:
    """Load one of the engine's graphs, with its convolutions in another runtime.

    Args:
        content: of the ONNX file; see `graph_writer`.
        load: loads the convolutions. They take planes minus middle grey; see `centre`.
    """
    model = onnx.load_from_string(content)
    if not any(node.op_type == "Conv" for node in model.graph.node):
        return make_run(make_session(content, "cpu", is_small=True))
    inputs = [value.name for value in model.graph.input]
    extractor = onnx.utils.Extractor(model)
    entry = _load_session(extractor.extract_model(inputs, [PLANES]))
    body = extractor.extract_model([PLANES], [VALUES])
    offset = centre(body)
    convolutions = load(body)
    exit_ = _load_session(extractor.extract_model([VALUES], [BLOCKS, MEAN]))

    def run(feeds: dict[str, Array]) -> list[Array]:
        (planes,) = entry(feeds)
        planes -= np.float32(MIDDLE_GREY)
        return list(exit_({VALUES: convolutions(planes) + offset}))

    return run


def _load_session(model: onnx.ModelProto) -> Run:
    return make_run(make_session(model.SerializeToString(), "cpu", is_small=True))


def _make_core() -> Any:
    import openvino  # noqa: PLC0415 - an optional dependency, and slow to import

    return openvino.Core()


class CompiledConvolutions:
    """Compiled convolutions, with as many requests as run at the same time at most.

    A request keeps its memory, so finished requests are used again.
    """

    def __init__(self, model: onnx.ModelProto, arithmetic: Arithmetic) -> None:
        """Compile the convolutions.

        Args:
            model: from `graph_writer.PLANES` to `graph_writer.VALUES`.
            arithmetic: `f32` for processors without bfloat16.
        """
        settings = {"INFERENCE_PRECISION_HINT": arithmetic, "INFERENCE_NUM_THREADS": 1}
        core = _make_core()
        graph = core.read_model(model.SerializeToString())
        self._compiled = core.compile_model(graph, "CPU", settings)
        self._idle: deque[Any] = deque()

    def __call__(self, planes: Array) -> Array:
        """Compute values from planes, on the calling thread."""
        if _is_initialised.is_set():
            return self._infer(planes)
        with _first_inference:
            values = self._infer(planes)
            _is_initialised.set()
            return values

    def _infer(self, planes: Array) -> Array:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        values: Array = request.infer({PLANES: planes})[VALUES]
        self._idle.append(request)
        return values
