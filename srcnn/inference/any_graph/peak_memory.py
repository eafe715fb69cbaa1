"""Measure how much memory a graph takes, in a process of its own.

A process of its own, because memory that was freed before would hide what a run takes. This module
is both ends: `measure_peaks` starts the process, and `main` runs in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from srcnn.errors import InferenceFailedError
from srcnn.geometry import Size
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.any_graph.graph_runner import GraphRunner
from srcnn.runtime.allocator import return_large_blocks
from srcnn.runtime.onnx_session import make_session
from srcnn.runtime.stoppable_run import make_deadline

_KIB = 1024
_ADDRESSES_BYTES = 2**30  # that threads reserve, and do not use
_ENOUGH_BYTES = 64 * 2**20  # for a difference that is more than chance
_SECONDS = 3.0  # after which no larger picture is begun


def measure_peaks(
    content: bytes, info: GraphInterface, sizes: Sequence[Size], threads: int, limit_bytes: int
) -> list[int]:
    """Measure the memory of runs on pictures, besides that of the graph itself.

    Args:
        content: of the ONNX file.
        info: how to run it; its factor is fixed.
        sizes: of the pictures, ascending.
        threads: that compute.
        limit_bytes: that the runs may take.

    Returns:
        Bytes for each size; fewer than there are sizes if these say enough, or a larger one takes
        more than the limit.

    Raises:
        InferenceFailedError: none could be run.
    """
    program = f"from {__name__} import main; main()"
    found = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        input=pickle.dumps((content, info, tuple(sizes), threads, limit_bytes)),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C is for this process, which finishes what it began
    )
    peaks = [json.loads(line) for line in found.stdout.splitlines()]
    if not peaks:
        lines = found.stderr.decode(errors="replace").strip().splitlines()
        raise InferenceFailedError(
            f"the memory that the model takes could not be measured on a picture of {sizes[0]} px: "
            f"{lines[-1] if lines else f'the process ended with status {found.returncode}'}"
        )
    return peaks


def main() -> None:
    """Run the sizes that come on standard input, and print the memory of each."""
    # Written by `measure_peaks`.
    content, info, sizes, threads, limit_bytes = pickle.load(sys.stdin.buffer)  # noqa: S301
    return_large_blocks()
    session = make_session(content, "cpu", threads, keeps_plans=False)
    runner = GraphRunner(session, info)
    del content
    before = _read_memory("VmRSS")
    _forget_peak()
    _limit_memory(limit_bytes)
    begun = time.monotonic()
    for size in sizes:
        runner.run(np.full((*size, 3), 128, np.float32), make_deadline())
        peak = max(_read_memory("VmHWM") - before, 0)
        sys.stdout.write(f"{peak}\n")
        sys.stdout.flush()
        if size != sizes[0] and (peak > _ENOUGH_BYTES or time.monotonic() - begun > _SECONDS):
            break


def _forget_peak() -> None:
    """Forget what loading took, which may be more than running."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _limit_memory(limit_bytes: int) -> None:
    """Let this process fail rather than take the memory of the machine."""
    with contextlib.suppress(OSError, ImportError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        limit = _read_memory("VmSize") + _ADDRESSES_BYTES + limit_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _read_memory(name: str) -> int:
    """Return a value of Linux's account of this process, in bytes.

    Raises:
        OSError: the system keeps no such account.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * _KIB
