"""Convolutions in bfloat16, through OpenVINO: faster where the processor multiplies it.

Only the convolutions are computed in it, with sums in float32, and made ready for it by
`centring`; the upsampling, and the rounding to pixels, stay in ONNX Runtime and float32.
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
from srcnn.runtime.onnx_session import Array, Run, make_session, runner

FAST_FROM = 3
"""The factor from which it is used. The smaller the factor, the closer the result to the truth, and
the more a rounding shows: below, the first bundled weights lost more than 0.02 dB; what those of
today lose is in docs/performance.md."""

# OpenVINO's binding prepares itself in its first inference: two threads in that wait for each
# other for ever, one with Python's lock, one with the binding's (2026.4).
_beginning, _began = threading.Lock(), threading.Event()

Arithmetic = Literal["bf16", "f32"]


def check_fast() -> None:
    """Refuse where bfloat16 cannot be had, or gains nothing.

    Raises:
        UsageError: OpenVINO is not installed, or the processor has no bfloat16.
    """
    require_extra("openvino", "--precision fast")
    core = _core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        name = core.get_property("CPU", "FULL_DEVICE_NAME")
        raise UsageError(
            f"--precision fast needs a processor that computes in bfloat16 (AVX-512 BF16 or AMX), "
            f"which this one ({name.strip()}) does not: use --precision exact"
        )


def load_fast(content: bytes) -> Run:
    """Make one of the engine's graphs ready to run, its convolutions in bfloat16 by OpenVINO.

    Args:
        content: the ONNX file; see `writer`.
    """
    return load_parts(content, lambda convolutions: Convolutions(convolutions, "bf16"))


def load_parts(content: bytes, load: Callable[[onnx.ModelProto], Callable[[Array], Array]]) -> Run:
    """Make one of the engine's graphs ready to run, its convolutions elsewhere.

    Args:
        content: the ONNX file; see `writer`.
        load: makes the convolutions ready: planes less middle grey to values, as `centre` says.
    """
    model = onnx.load_from_string(content)
    if not any(node.op_type == "Conv" for node in model.graph.node):
        return runner(make_session(content, "cpu", is_small=True))
    inputs = [value.name for value in model.graph.input]
    extractor = onnx.utils.Extractor(model)
    entry = _session(extractor.extract_model(inputs, [PLANES]))
    body = extractor.extract_model([PLANES], [VALUES])
    missing = centre(body)
    convolutions = load(body)
    leave = _session(extractor.extract_model([VALUES], [BLOCKS, MEAN]))

    def run(feeds: dict[str, Array]) -> list[Array]:
        (planes,) = entry(feeds)
        planes -= np.float32(MIDDLE_GREY)
        return list(leave({VALUES: convolutions(planes) + missing}))

    return run


def _session(model: onnx.ModelProto) -> Run:
    return runner(make_session(model.SerializeToString(), "cpu", is_small=True))


def _core() -> Any:
    import openvino  # noqa: PLC0415 - an extra; and it takes a moment

    return openvino.Core()


class Convolutions:
    """A compiled graph, and as many requests as ever ran at a time: each holds its memory."""

    def __init__(self, model: onnx.ModelProto, arithmetic: Arithmetic) -> None:
        """Compile.

        Args:
            model: from planes to values.
            arithmetic: `f32` where bfloat16 cannot be had.
        """
        settings = {"INFERENCE_PRECISION_HINT": arithmetic, "INFERENCE_NUM_THREADS": 1}
        core = _core()
        graph = core.read_model(model.SerializeToString())
        self._compiled = core.compile_model(graph, "CPU", settings)
        self._idle: deque[Any] = deque()

    def __call__(self, planes: Array) -> Array:
        """Planes to values, on the calling thread."""
        if _began.is_set():
            return self._infer(planes)
        with _beginning:
            values = self._infer(planes)
            _began.set()
            return values

    def _infer(self, planes: Array) -> Array:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        values: Array = request.infer({PLANES: planes})[VALUES]
        self._idle.append(request)
        return values
