"""The cores and the memory that this process may use, and the one pool that uses the cores."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from srcnn.runtime.cgroups import ROOT, group_values

_UNLIMITED = "max"
_ASSUMED_MEMORY_BYTES = 4 * 2**30  # of systems that do not say

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}
_making = threading.Lock()


def usable_cores(root: Path = ROOT) -> int:
    """Cores that this process may use: its affinity, and the quotas of its cgroups, rounded up.

    Args:
        root: where the system's files are.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_quotas(root)]))


def _quotas(root: Path) -> list[int]:
    """Cores by each quota: microseconds of processor time in each period, rounded up."""
    pairs = [text.split() for (text,) in group_values("cpu", "cpu.max", root=root)]
    pairs += group_values("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us", root=root)
    return [
        -(-int(quota) // int(period))
        for quota, period in pairs
        if quota != _UNLIMITED and int(quota) > 0 and int(period) > 0  # -1: no limit
    ]


def usable_memory(root: Path = ROOT) -> int:
    """Bytes of memory that this process may use: the machine's, or what its cgroups leave.

    Args:
        root: where the system's files are.
    """
    limits = [*group_values("memory", "memory.max", root=root)]
    limits += group_values("memory", "memory.limit_in_bytes", root=root)
    return min([_machine_memory(), *(int(value) for (value,) in limits if value != _UNLIMITED)])


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such call, no such name
        return _ASSUMED_MEMORY_BYTES


def pool(threads: int = 0) -> ThreadPoolExecutor:
    """The threads that compute: one pool for each process and number of threads.

    All work on pixels goes through it, so that no more threads compute than there are cores,
    however many pictures are in hand. It takes leaf work only: a task in it must never wait
    for another task of it, or all threads may come to wait and none to work. OpenCV, whose own
    threads would compute beside it, is told to use none.

    Args:
        threads: of the pool; 0 for the cores this process may use.
    """
    count = threads or usable_cores()
    key = (os.getpid(), count)  # threads do not survive a fork
    with _making:
        if key not in _pools:
            cv2.setNumThreads(1)
            _pools[key] = ThreadPoolExecutor(count, thread_name_prefix="srcnn-core")
        return _pools[key]
