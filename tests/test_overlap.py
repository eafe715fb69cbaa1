"""Reading ahead and writing behind: everything once, in order, within bounds, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.overlap import Bounds, Queue, read_ahead


class Watched:
    """A reader that counts what is on its way: begun, and not yet taken by the caller."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: list[int] = []
        self.most_files = self.most_bytes = 0

    def begin(self, size: int) -> int:
        with self.lock:
            self.held.append(size)
            self.most_files = max(self.most_files, len(self.held))
            self.most_bytes = max(self.most_bytes, sum(self.held))
        return size

    def taken(self, size: int) -> None:
        with self.lock:
            self.held.remove(size)


@given(
    sizes=st.lists(st.integers(0, 50), max_size=30),
    transfers=st.integers(1, 6),
    buffer_bytes=st.integers(1, 100),
)
def test_all_are_read_once_in_order_and_within_bounds(
    sizes: list[int], transfers: int, buffer_bytes: int
) -> None:
    watched = Watched()
    with ThreadPoolExecutor(transfers) as pool:
        queue: Queue[int, int] = Queue(pool, Bounds(transfers, buffer_bytes))
        got = []
        for item, future in read_ahead(queue, sizes, int, watched.begin):
            got.append((item, future.result()))
            watched.taken(item)
    assert got == [(size, size) for size in sizes]
    # One is in the caller's hand while the others are on their way.
    assert watched.most_files <= transfers + 1
    assert watched.most_bytes <= max([buffer_bytes, *sizes]) + max([0, *sizes])


def test_the_next_are_read_while_the_caller_works() -> None:
    begun = [threading.Event() for _ in range(4)]
    with ThreadPoolExecutor(3) as pool:
        queue: Queue[int, bool] = Queue(pool, Bounds(3, 100))
        reads = read_ahead(queue, range(4), lambda _: 1, lambda item: begun[item].set() or True)
        next(reads)
        assert all(event.wait(10) for event in begun[:3])  # without asking for them
        assert len(list(reads)) == 3


def test_writes_run_behind_and_are_told_when_there_is_no_room() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        queue: Queue[str, bool] = Queue(pool, Bounds(2, 100))
        assert list(queue.put("a", 1, gate.wait)) == []
        assert list(queue.put("b", 1, gate.wait)) == []
        gate.set()
        assert [item for item, _ in queue.put("c", 1, gate.wait)] == ["a"]
        assert [item for item, _ in queue.rest()] == ["b", "c"]


def test_a_file_above_the_bound_goes_alone() -> None:
    with ThreadPoolExecutor(4) as pool:
        queue: Queue[str, None] = Queue(pool, Bounds(4, 10))
        nothing: Callable[[], None] = lambda: None  # noqa: E731 - one word
        assert list(queue.put("a", 4, nothing)) == []
        assert [item for item, _ in queue.put("huge", 1000, nothing)] == ["a"]
        assert [item for item, _ in queue.put("b", 1, nothing)] == ["huge"]


def test_a_failure_is_its_items_own() -> None:
    def read(item: int) -> int:
        if item == 1:
            raise OSError("gone")
        return item

    with ThreadPoolExecutor(2) as pool:
        queue: Queue[int, int] = Queue(pool, Bounds(2, 100))
        futures = [future for _, future in read_ahead(queue, range(3), lambda _: 1, read)]
    assert [future.exception() is None for future in futures] == [True, False, True]
    with pytest.raises(OSError, match="gone"):
        futures[1].result()
