"""What the figures were made on: the processor, and the versions that matter."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
PACKAGES = (
    *("onnxruntime", "openvino", "torch", "opencv-python-headless", "numpy"),
    *("onnxruntime-gpu", "onnxruntime-openvino"),
)


def describe() -> dict[str, Any]:
    """Processor, memory, system, versions of what is installed."""
    flags = _cpuinfo("flags").split()
    return {
        "processor": _cpuinfo("model name") or platform.machine(),
        "family": f"family {_cpuinfo('cpu family')}, model {_cpuinfo('model')}",
        "cores": os.cpu_count(),
        "flags": {flag: flag in flags for flag in FLAGS},
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def busy_seconds() -> tuple[float, float]:
    """Seconds that cores worked: for anybody, and for this process and its ended children."""
    times = psutil.cpu_times()._asdict()
    rest = ("idle", "iowait", "guest", "guest_nice")  # a guest's are counted in user's
    mine = os.times()
    own = mine.user + mine.system + mine.children_user + mine.children_system
    return sum(each for name, each in times.items() if name not in rest), own


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""  # not Linux: the name alone
    return next((line.partition(": ")[2] for line in lines if line.split("\t")[0] == key), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
