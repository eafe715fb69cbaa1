"""Several outputs of one source: read once while any of them needs it, and then forgotten."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from srcnn.batch.shared_sources import SharedSources

KEY = ("src", "a.png", "1")


class Thing:
    """What is made."""


def test_it_is_made_once_for_all_that_use_it_at_a_time() -> None:
    shared: SharedSources[Thing] = SharedSources()
    begun, made = threading.Barrier(5), []

    def make() -> Thing:
        made.append(Thing())
        return made[-1]

    def use(_: int) -> Thing:
        begun.wait(10)
        with shared.use(KEY, make) as thing:
            begun.wait(10)  # all use it now
            return thing

    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(use, range(5)))
    assert len(made) == 1
    assert all(thing is made[0] for thing in found)
    with shared.use(KEY, make) as thing:
        assert thing is made[1]


def test_it_is_dropped_with_the_last_user() -> None:
    shared: SharedSources[Thing] = SharedSources()
    with shared.use(KEY, Thing) as first:
        thing = weakref.ref(first)
        with shared.use(KEY, Thing) as second:
            assert second is first
        del second
    del first
    gc.collect()
    assert thing() is None


@pytest.mark.parametrize("other", [("src", "b.png", "1"), ("src", "a.png", "2"), None])
def test_others_get_their_own(other: tuple[str, ...] | None) -> None:
    shared: SharedSources[Thing] = SharedSources()
    with shared.use(KEY, Thing) as first, shared.use(other, Thing) as second:
        assert first is not second


def test_the_next_tries_where_one_failed() -> None:
    shared: SharedSources[Thing] = SharedSources()
    failing, entered = threading.Event(), threading.Event()

    def fail() -> Thing:
        entered.set()
        failing.wait(10)
        raise OSError("it failed")

    def use_failing() -> None:
        with shared.use(KEY, fail):
            raise AssertionError("nothing was made")

    def use() -> Thing:
        with shared.use(KEY, Thing) as thing:
            return thing

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(use_failing)
        entered.wait(10)
        second = pool.submit(use)
        failing.set()
        with pytest.raises(OSError, match="it failed"):
            first.result(10)
        assert isinstance(second.result(10), Thing)
