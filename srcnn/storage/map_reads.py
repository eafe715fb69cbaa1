"""Read many small files: in threads where reading waits, one after the other where it computes.

From a bucket, or a disk whose files are not in memory, most of the time is spent waiting, and many
threads wait side by side. Where the files are in memory, there is nothing to wait for, and threads
that take turns on Python's lock need two to three times as long as one (`docs/performance.md`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_THREADS = 16
_WINDOW = 1024  # tasks in the pool at a time; each of a million would take a kilobyte
_TRIED = 16  # of a window, to see whether reading waits
T = TypeVar("T")
R = TypeVar("R")


def map_reads(read: Callable[[T], R], items: Iterable[T], *, is_remote: bool) -> Iterator[R]:
    """Read items, and yield the results in their order; the first error of `read` ends it.

    Args:
        read: reads one; called from several threads.
        items: what to read.
        is_remote: whether reading waits, as for a server; if not, that is measured.
    """
    remaining = iter(items)
    with ThreadPoolExecutor(_THREADS) as pool:
        while window := list(islice(remaining, _WINDOW)):
            tried = [] if is_remote else window[:_TRIED]
            began, worked = time.perf_counter(), time.thread_time()
            results = [read(item) for item in tried]
            seconds, work_seconds = time.perf_counter() - began, time.thread_time() - worked
            yield from results
            waits = is_remote or seconds > 2 * work_seconds
            yield from (pool.map if waits else map)(read, window[len(tried) :])
