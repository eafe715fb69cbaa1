"""The cores and the memory that this process may use, and the one pool of computing threads."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
from threadpoolctl import threadpool_limits

from srcnn.runtime.cgroups import ROOT, read_group_values

_UNLIMITED = "max"
_OWN_MEMORY_BYTES = 512 * 2**20  # the libraries, the model, and its tiles
_ASSUMED_MEMORY_BYTES = 4 * 2**30  # if the system does not report it

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}
_pools_lock = threading.Lock()


def count_usable_cores(root: Path = ROOT) -> int:
    """Count the cores that this process may use, by its affinity and the quotas of its cgroups.

    Args:
        root: root of the file system.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_read_quotas(root)]))


def _read_quotas(root: Path) -> list[int]:
    """Cores by each quota (microseconds of processor time in each period), rounded up."""
    pairs = [text.split() for (text,) in read_group_values("cpu", "cpu.max", root=root)]
    pairs += read_group_values("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us", root=root)
    return [
        -(-int(quota) // int(period))
        for quota, period in pairs
        if quota != _UNLIMITED and int(quota) > 0 and int(period) > 0  # -1: no limit
    ]


def measure_usable_memory(root: Path = ROOT) -> int:
    """Find how many bytes of memory this process may use: the machine's, or its cgroups' limit.

    Args:
        root: root of the file system.
    """
    limits = [*read_group_values("memory", "memory.max", root=root)]
    limits += read_group_values("memory", "memory.limit_in_bytes", root=root)
    return min(
        [_read_machine_memory(), *(int(value) for (value,) in limits if value != _UNLIMITED)]
    )


def measure_image_memory(root: Path = ROOT) -> int:
    """Find how many bytes one image may take, beside what the process takes for itself.

    Args:
        root: root of the file system.
    """
    usable_bytes = measure_usable_memory(root)
    return max(usable_bytes - _OWN_MEMORY_BYTES, usable_bytes // 8)


def measure_tile_memory(root: Path = ROOT) -> int:
    """Find how many bytes the tiles of a graph of any form may take.

    A quarter of the memory. Where images in progress, which take three eighths (see
    `srcnn.batch.resources`), and the process itself leave less, it is that, or an eighth.

    Args:
        root: root of the file system.
    """
    usable_bytes = measure_usable_memory(root)
    left_bytes = usable_bytes * 5 // 8 - _OWN_MEMORY_BYTES
    return min(usable_bytes // 4, max(left_bytes, usable_bytes // 8))


def _read_machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # the call or the name is unknown
        return _ASSUMED_MEMORY_BYTES


def pool(threads: int = 0) -> ThreadPoolExecutor:
    """Get the pool of computing threads: one for each process and number of threads.

    All work on pixels runs in it, so that no more threads compute than there are cores, however
    many images are in progress. A task in the pool must not wait for another task of the pool:
    all threads could end up waiting. The threads of OpenCV, and those that NumPy multiplies
    matrices with, would compete with the pool: they are switched off.

    Args:
        threads: in the pool; 0 for as many as the cores that this process may use.
    """
    count = threads or count_usable_cores()
    key = (os.getpid(), count)  # threads do not survive a fork
    with _pools_lock:
        if key not in _pools:
            cv2.setNumThreads(1)
            threadpool_limits(1, "blas")
            _pools[key] = ThreadPoolExecutor(count, thread_name_prefix="srcnn-core")
        return _pools[key]
