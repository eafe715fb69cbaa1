"""Convolutions in bfloat16, through OpenVINO: faster where the processor multiplies it.

bfloat16 keeps 8 bits of a number. So only the convolutions are computed in it, with sums
in float32; the upsampling, and the rounding to pixels, stay in ONNX Runtime and float32.
"""

from __future__ import annotations

import importlib.util
import threading
from typing import Any, Literal

import onnx
import onnx.utils

from srcnn.engine.writer import BLOCKS, MEAN, PLANES, VALUES
from srcnn.errors import UsageError
from srcnn.session import Array, Run, make_session, runner

Arithmetic = Literal["bf16", "f32"]


def check_fast() -> None:
    """Refuse where bfloat16 cannot be had, or gains nothing.

    Raises:
        UsageError: OpenVINO is not installed, or the processor has no bfloat16.
    """
    if importlib.util.find_spec("openvino") is None:
        raise UsageError(
            "--precision fast needs OpenVINO, which is not installed: "
            "pip install 'srcnn-batch[openvino]', or use --precision exact"
        )
    core = _core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        name = core.get_property("CPU", "FULL_DEVICE_NAME")
        raise UsageError(
            f"--precision fast needs a processor that computes in bfloat16 (AVX-512 BF16 or AMX), "
            f"which this one ({name.strip()}) does not: use --precision exact"
        )


def load_fast(content: bytes, arithmetic: Arithmetic = "bf16") -> Run:
    """Make one of the engine's graphs ready to run, its convolutions in OpenVINO.

    Args:
        content: the ONNX file; see `writer`.
        arithmetic: of the convolutions.
    """
    model = onnx.load_from_string(content)
    if not any(node.op_type == "Conv" for node in model.graph.node):
        return runner(make_session(content, "cpu"))
    inputs = [value.name for value in model.graph.input]
    extractor = onnx.utils.Extractor(model)
    entry = _session(extractor.extract_model(inputs, [PLANES]))
    convolutions = _Convolutions(extractor.extract_model([PLANES], [VALUES]), arithmetic)
    leave = _session(extractor.extract_model([VALUES], [BLOCKS, MEAN]))

    def run(feeds: dict[str, Array]) -> list[Array]:
        (planes,) = entry(feeds)
        return list(leave({VALUES: convolutions(planes)}))

    return run


def _session(model: onnx.ModelProto) -> Run:
    return runner(make_session(model.SerializeToString(), "cpu"))


def _core() -> Any:
    import openvino  # noqa: PLC0415 - an extra; and it takes a moment

    return openvino.Core()


class _Convolutions:
    """A compiled graph; each thread has a request of its own."""

    def __init__(self, model: onnx.ModelProto, arithmetic: Arithmetic) -> None:
        settings = {"INFERENCE_PRECISION_HINT": arithmetic, "INFERENCE_NUM_THREADS": 1}
        core = _core()
        graph = core.read_model(model.SerializeToString())
        self._compiled = core.compile_model(graph, "CPU", settings)
        self._requests = threading.local()

    def __call__(self, planes: Array) -> Array:
        request = getattr(self._requests, "own", None)
        if request is None:
            request = self._requests.own = self._compiled.create_infer_request()
        values: Array = request.infer({PLANES: planes})[VALUES]
        return values
