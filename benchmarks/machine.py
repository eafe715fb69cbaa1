"""Describes the machine: its processor, its load, and the versions of libraries."""

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
    """Return processor, memory, system and versions of installed packages."""
    flags = _read_cpuinfo("flags").split()
    return {
        "processor": _read_cpuinfo("model name") or platform.machine(),
        "family": f"family {_read_cpuinfo('cpu family')}, model {_read_cpuinfo('model')}",
        "cores": os.cpu_count(),
        "flags": {flag: flag in flags for flag in FLAGS},
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: found for name in PACKAGES if (found := _find_version(name))},
    }


def busy_seconds() -> tuple[float, float]:
    """Return busy core seconds: of the machine, and of this process with its ended children."""
    times = psutil.cpu_times()._asdict()
    rest = ("idle", "iowait", "guest", "guest_nice")  # the time of guests is part of user
    mine = os.times()
    own = mine.user + mine.system + mine.children_user + mine.children_system
    return sum(each for name, each in times.items() if name not in rest), own


def _read_cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""  # not Linux: only the name is known
    return next((line.partition(": ")[2] for line in lines if line.split("\t")[0] == key), "")


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
