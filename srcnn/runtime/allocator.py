"""How the system's allocator treats large blocks of memory."""

from __future__ import annotations

import contextlib
import ctypes
from functools import cache

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD in malloc.h
_LARGE_BYTES = 4 * 2**20


@cache
def return_large_blocks() -> None:
    """Let large blocks go back to the system when they are freed.

    By default glibc raises its own limit as such blocks come and go, up to 32 MiB, and keeps what
    is below it, for each thread: tiles of 100 MB together left 300 MB behind. Other allocators
    have no such function.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
