"""ONNX Runtime sessions: which provider, how many threads.

Knows nothing of images or of what a graph computes.
"""

from __future__ import annotations

import os
import re
from typing import Literal, get_args

import onnxruntime

from srcnn.errors import ModelError, UsageError

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "directml", "coreml", "rocm"]

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


def usable_cores() -> int:
    """Cores that this process may run on: its affinity, where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    model: bytes, provider: Provider = "auto", threads: int = 0
) -> onnxruntime.InferenceSession:
    """Build a session; threads may share it.

    Args:
        model: the ONNX file's content.
        provider: execution provider.
        threads: threads inside one run; 0 for the cores this process may use.

    Raises:
        UsageError: the provider is not there.
        ModelError: ONNX Runtime cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.log_severity_level = _LOG_ERRORS_ONLY
    # Idle threads that spin take the core from decoding and encoding on other threads.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = choose_providers(provider)
    try:
        return onnxruntime.InferenceSession(model, sess_options=options, providers=providers)
    # The binding's exceptions share no base below Exception (Fail, InvalidGraph, ...).
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load the graph: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without ONNX Runtime's prefix of codes."""
    text = str(error).strip() or type(error).__name__
    return _CODES.sub("", text.splitlines()[0])
