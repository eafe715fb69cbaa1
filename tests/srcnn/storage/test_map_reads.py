"""Threads read where reading waits, and only there; the order stays."""

import threading
import time
from collections.abc import Iterator

import pytest

from srcnn.storage.map_reads import map_reads

ITEMS = 2500  # more than two windows


def compute(item: int) -> tuple[int, str]:
    sum(range(2000))
    return item, threading.current_thread().name


def wait(item: int) -> tuple[int, str]:
    time.sleep(0.002)  # long beside what its call computes
    return item, threading.current_thread().name


def find_threads(results: Iterator[tuple[int, str]]) -> set[str]:
    found = list(results)
    assert [item for item, _ in found] == list(range(len(found)))
    return {name for _, name in found}


def test_what_waits_is_read_in_threads() -> None:
    names = find_threads(map_reads(wait, range(ITEMS), is_remote=False))
    assert threading.current_thread().name in names  # it tries
    assert len(names) > 2
    names = find_threads(map_reads(compute, range(ITEMS), is_remote=True))
    assert threading.current_thread().name not in names


def test_few_items_are_read_in_their_order() -> None:
    for number in (0, 1, 17):
        for is_remote in (False, True):
            assert len(list(map_reads(compute, range(number), is_remote=is_remote))) == number
            find_threads(map_reads(compute, range(number), is_remote=is_remote))


def test_items_are_taken_window_by_window() -> None:
    """A pool holds a kilobyte for each of its tasks."""
    taken = 0

    def take() -> Iterator[int]:
        nonlocal taken
        for item in range(ITEMS):
            taken += 1
            yield item

    results = map_reads(compute, take(), is_remote=True)
    next(results)
    assert taken < ITEMS / 2


@pytest.mark.parametrize("is_remote", [False, True])
def test_an_error_ends_it(*, is_remote: bool) -> None:
    def fail(item: int) -> int:
        if item == 1500:
            raise OSError("gone")
        return item

    with pytest.raises(OSError, match="gone"):
        list(map_reads(fail, range(ITEMS), is_remote=is_remote))
