"""ONNX Runtime sessions: which provider, how many threads.

Knows nothing of images or of what a graph computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import onnxruntime

from srcnn.errors import InferenceFailedError, ModelError, UsageError

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "directml", "coreml", "rocm"]
Precision = Literal["exact", "fast"]
"""`exact` computes in float32, `fast` in bfloat16: see `engine.fast`."""

Array: TypeAlias = npt.NDArray[Any]
Run: TypeAlias = Callable[[dict[str, Array]], Sequence[Array]]
"""A graph that is ready to run, from any thread: inputs by name to outputs in order."""

_RUNTIME_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}
_INSTALL = {
    "cuda": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu and TensorRT",
    "openvino": "onnxruntime-openvino",
    "directml": "onnxruntime-directml",
    "rocm": "onnxruntime-rocm",
}
_LOG_ERRORS_ONLY = 3
_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


def choose_providers(provider: Provider) -> list[str]:
    """ONNX Runtime's names for a provider, the CPU behind it for operators it lacks.

    Args:
        provider: `auto` takes CUDA where the installed ONNX Runtime has it, else the CPU.

    Raises:
        UsageError: this ONNX Runtime does not offer it; the text says what to install.
    """
    offered = onnxruntime.get_available_providers()
    if provider == "auto":
        provider = "cuda" if _RUNTIME_NAMES["cuda"] in offered else "cpu"
    name = _RUNTIME_NAMES[provider]
    if name not in offered:
        has = [short for short in get_args(Provider) if _RUNTIME_NAMES.get(short) in offered]
        need = _INSTALL.get(provider, "a build of ONNX Runtime for it")
        raise UsageError(
            f"provider {provider!r} is not in the installed ONNX Runtime "
            f"(it offers: {', '.join(has)}): install {need} in place of onnxruntime"
        )
    return [name] if provider == "cpu" else [name, _RUNTIME_NAMES["cpu"]]


def make_session(
    model: bytes, provider: Provider = "auto", threads: int = 1, *, is_small: bool = False
) -> onnxruntime.InferenceSession:
    """Build a session; threads may share it.

    Args:
        model: the ONNX file's content.
        provider: execution provider.
        threads: inside one run; with 1, a run stays on the thread that calls it.
        is_small: whether it is one of many whose runs take little: these share their memory.

    Raises:
        UsageError: the provider is not there.
        ModelError: ONNX Runtime cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _LOG_ERRORS_ONLY
    # An arena keeps the most that any run ever took, for each session.
    options.enable_cpu_mem_arena = False
    # Plans the memory of a run anew for each shape, and keeps the plans.
    options.enable_mem_pattern = not is_small
    # Idle threads that spin take the core from decoding and encoding on other threads.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = choose_providers(provider)
    if is_small and providers == [_RUNTIME_NAMES["cpu"]]:
        _share_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(model, sess_options=options, providers=providers)
    # The binding's exceptions share no base below Exception (Fail, InvalidGraph, ...).
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load the graph: {first_line(error)}") from error


@cache
def _share_memory() -> None:
    """Give the process one arena, for the sessions that ask for it.

    From the system's allocator, a new session's first run takes fresh memory: what the last one
    left lies a few bytes too short between what that one keeps. 1,200 small pictures, each with a
    factor of its own, held 330 MB instead of 210, and took 5 % more time.
    """
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(place, None)


def runner(session: onnxruntime.InferenceSession) -> Run:
    """A session's run, with failures as our own.

    Raises:
        InferenceFailedError: when called, where the runtime fails.
    """

    def run(feeds: dict[str, Array]) -> Sequence[Array]:
        try:
            outputs: Sequence[Array] = session.run(None, feeds)
        # The binding's exceptions share no base below Exception.
        except Exception as error:
            raise InferenceFailedError(f"inference failed: {first_line(error)}") from error
        return outputs

    return run


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without ONNX Runtime's prefix of codes."""
    text = str(error).strip() or type(error).__name__
    return _CODES.sub("", text.splitlines()[0])


def check_finite(mean: Any) -> None:
    """Refuse values whose mean is not finite: one of them is not.

    Raises:
        InferenceFailedError: it is not.
    """
    if not np.isfinite(mean):
        raise InferenceFailedError(
            "the model gave values that are not finite; the picture is dropped"
        )
