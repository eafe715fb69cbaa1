"""What was made is kept for the next picture, within a limit of memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any, TypeVar

from cachetools import LRUCache, cached

Made = TypeVar("Made")


def kept(
    make: Callable[..., Made],
    limit_bytes: int,
    size_bytes: Callable[[Made], int],
    key: Callable[..., Hashable],
) -> Callable[..., Made]:
    """A function that makes each thing once, and forgets what was not asked for the longest.

    Threads that ask for the same wait for the first, and share what it makes.

    Args:
        make: what is asked for.
        limit_bytes: of all that is kept; what alone takes more is not kept.
        size_bytes: of one thing.
        key: of the same arguments as `make`; equal for what may be shared.
    """
    cache: LRUCache[Any, Made] = LRUCache(limit_bytes, getsizeof=size_bytes)
    return cached(cache, key=key, condition=Condition())(make)
