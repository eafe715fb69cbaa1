"""A lock that many share, or one holds alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from srcnn.runtime.shared_lock import SharedLock


def test_many_share_it_at_a_time() -> None:
    lock, meeting = SharedLock(), threading.Barrier(3)

    def share() -> None:
        with lock.shared():
            meeting.wait(10)

    with ThreadPoolExecutor(3) as threads:
        for future in [threads.submit(share) for _ in range(3)]:
            future.result()


def test_nobody_shares_it_while_one_is_alone() -> None:
    lock = SharedLock()
    inside: list[bool] = []

    def work(number: int) -> None:
        is_alone = number % 2 == 0
        for _ in range(100):
            with lock.alone() if is_alone else lock.shared():
                inside.append(is_alone)
                assert not any(inside) or len(inside) == 1
                inside.pop()

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(work, number) for number in range(4)]:
            future.result()


def test_a_failure_gives_it_back() -> None:
    lock = SharedLock()
    for hold in (lock.alone, lock.shared):
        with pytest.raises(OSError, match="broken"), hold():
            raise OSError("broken")
    with lock.alone():
        pass


def test_who_waits_to_be_alone_goes_before_who_comes_later() -> None:
    lock, order = SharedLock(), []

    def hold(name: str, holder: AbstractContextManager[None]) -> None:
        with holder:
            order.append(name)

    with lock.shared():
        alone = threading.Thread(target=hold, args=("alone", lock.alone()))
        alone.start()
        while not lock._waiting:
            pass
        later = threading.Thread(target=hold, args=("later", lock.shared()))
        later.start()
        assert order == []
    alone.join(10)
    later.join(10)
    assert order == ["alone", "later"]
