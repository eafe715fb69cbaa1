"""A cache with a limit of memory, shared by threads."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any, TypeVar

from cachetools import LRUCache, cached

Value = TypeVar("Value")


def cache_within(
    make: Callable[..., Value],
    limit_bytes: int,
    size_bytes: Callable[[Value], int],
    key: Callable[..., Hashable],
) -> Callable[..., Value]:
    """Cache the results of a function, and drop the least recently used above a limit.

    If several threads ask for the same value, one computes it, and the others wait for it.

    Args:
        make: the function.
        limit_bytes: of all cached values; a single value above the limit is not cached.
        size_bytes: measures a value.
        key: takes the arguments of `make`; equal keys share a value.
    """
    cache: LRUCache[Any, Value] = LRUCache(limit_bytes, getsizeof=size_bytes)
    return cached(cache, key=key, condition=Condition())(make)
