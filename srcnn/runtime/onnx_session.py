"""ONNX Runtime sessions: which provider, how many threads.

Independent of images and of what a graph computes.
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
from srcnn.runtime.cores import measure_usable_memory

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "directml", "coreml", "rocm"]

Array: TypeAlias = npt.NDArray[Any]
Run: TypeAlias = Callable[[dict[str, Array]], Sequence[Array]]
"""Runs a loaded graph, from any thread: takes inputs by name, returns outputs in order."""

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
_LOG_FATAL_ONLY = 4  # errors are raised as well
_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_NO_MEMORY = re.compile(
    r"running (\w+) node.*(?:requested bytes of|requested buffer of size) (\d+)|bad_alloc",
    re.DOTALL,
)
_RESERVED_BYTES = 400 * 2**20  # Python, its libraries, and a picture


def choose_providers(provider: Provider) -> list[str]:
    """Return ONNX Runtime's names for a provider, then the CPU for operators that it lacks.

    Args:
        provider: `auto` is CUDA if the installed ONNX Runtime has it, else the CPU.

    Raises:
        UsageError: the installed ONNX Runtime lacks it; the message says what to install.
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


def make_session(  # noqa: PLR0913 - independent options, most by keyword
    model: bytes,
    provider: Provider = "auto",
    threads: int = 1,
    *,
    is_small: bool = False,
    optimised: bool = True,
    keeps_plans: bool = True,
) -> onnxruntime.InferenceSession:
    """Create a session; threads may share it.

    Args:
        model: content of the ONNX file: our own, or accepted by `srcnn.model.onnx_file`.
        provider: execution provider.
        threads: used by one run; with 1, a run stays on the thread that calls it.
        is_small: whether it is one of many sessions that need little memory; these share it, and
            what needs more than there is fails.
        optimised: whether the graph is rewritten first, which computes what is constant, whatever
            memory that takes.
        keeps_plans: whether memory is planned for each shape of the input, and plans are kept.

    Raises:
        UsageError: the provider is not available.
        ModelError: ONNX Runtime cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _LOG_FATAL_ONLY
    # Each session's arena would keep as much memory as its largest run ever used.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = keeps_plans and not is_small
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    restrict_format(options)
    # Idle threads that spin take cores away from threads that decode and encode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = choose_providers(provider)
    if is_small and providers == [_RUNTIME_NAMES["cpu"]]:
        use_shared_memory(options)
    try:
        return onnxruntime.InferenceSession(model, sess_options=options, providers=providers)
    # The binding's exceptions share no base below Exception (Fail, InvalidGraph, ...).
    except Exception as error:
        raise ModelError(
            f"ONNX Runtime cannot load the graph: {extract_first_line(error)}"
        ) from error


def restrict_format(options: onnxruntime.SessionOptions) -> None:
    """Let a session take ONNX files only: its other format was not looked into for other files."""
    options.add_session_config_entry("session.load_model_format", "ONNX")


def use_shared_memory(options: onnxruntime.SessionOptions) -> None:
    """Let a session use the memory that small sessions share, which has a limit."""
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")


@cache
def _share_memory() -> None:
    """Register one arena for the process, used by the sessions that ask for it.

    With the system's allocator, the first run of a new session takes fresh memory: the gaps that
    the previous session left are a few bytes too small. 1,200 small pictures, each with its own
    factor, then held 330 MB instead of 210 MB, and took 5 % longer.

    Without a limit, a graph that asks for more than there is would end the process.
    """
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    limit = onnxruntime.OrtArenaCfg({"max_mem": _measure_limit_bytes()})
    onnxruntime.create_and_register_allocator(memory, limit)


def _measure_limit_bytes() -> int:
    """Return what this process may use besides what it uses already."""
    usable = measure_usable_memory()
    return max(usable - _RESERVED_BYTES, usable // 2)


def make_run(session: onnxruntime.InferenceSession) -> Run:
    """Return a function that runs a session and raises our own errors.

    The function raises `InferenceFailedError` if the runtime fails.
    """

    def run(feeds: dict[str, Array]) -> Sequence[Array]:
        try:
            outputs: Sequence[Array] = session.run(None, feeds)
        # The binding's exceptions share no base below Exception.
        except Exception as error:
            raise InferenceFailedError(f"inference failed: {extract_first_line(error)}") from error
        return outputs

    return run


def extract_first_line(error: BaseException) -> str:
    """Return the first line of an error message, without the error code of ONNX Runtime."""
    text = str(error).strip() or type(error).__name__
    if found := _NO_MEMORY.search(text):
        needed = f" ({found[1]} asks for {int(found[2]):,} bytes)" if found[1] else ""
        return f"it needs more memory than this process may use{needed}"
    return _CODES.sub("", text.splitlines()[0])


def check_finite(mean: Any) -> None:
    """Fail if the mean of the model's output is not finite: then some value is not.

    Raises:
        InferenceFailedError: the mean is NaN or infinite.
    """
    if not np.isfinite(mean):
        raise InferenceFailedError(
            "the model's output contains values that are not finite (NaN or infinity)"
        )
