"""Files and pictures that several outputs are made from: read and decoded once for all of them.

What is shared is dropped when the last image that uses it at the time is done with it. Images of
one source are neighbours in a shard (`srcnn.batch.make_shards`), so they mostly are in progress
together; one that comes later reads the file again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Entry(Generic[T]):
    users: int = 0
    made: list[T] = field(default_factory=list)  # one, or none yet
    making: threading.Lock = field(default_factory=threading.Lock)


class SharedSources(Generic[T]):
    """What is made of sources, by keys that are unique in this process."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._entries: dict[Hashable, _Entry[T]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def use(self, key: Hashable | None, make: Callable[[], T]) -> Iterator[T]:
        """Take what another image has made of the source, or make it; others wait meanwhile.

        Every user counts its size as if it were alone: memory is accounted for, whoever is last.

        Args:
            key: of the source, unique among the sources of all runs in this process; None to share
                nothing.
            make: reads or decodes its source. If it raises, the next image tries by itself.
        """
        if key is None:
            yield make()
            return
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            entry.users += 1
        try:
            with entry.making:
                if not entry.made:
                    entry.made.append(make())
            yield entry.made[0]
        finally:
            with self._lock:
                entry.users -= 1
                if not entry.users:
                    del self._entries[key]
