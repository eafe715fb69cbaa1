"""Gates: never more inside than fits, first come first served, one after the other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srcnn.batch.memory_gate import GateHolder, MemoryGate


class Watched(MemoryGate):
    """A gate that records how much was inside at the most."""

    def __init__(self, places: int, capacity_bytes: int) -> None:
        super().__init__(places, capacity_bytes)
        self.noting = threading.Lock()
        self.inside: list[int] = []
        self.most = 0
        self.was_too_full = False

    def enter(self, size_bytes: int) -> None:
        super().enter(size_bytes)
        with self.noting:
            self.inside.append(size_bytes)
            self.most = max(self.most, len(self.inside))
            self.was_too_full |= len(self.inside) > 1 and sum(self.inside) > self._capacity_bytes

    def leave(self, size_bytes: int) -> None:
        with self.noting:
            self.inside.remove(size_bytes)
        super().leave(size_bytes)


@settings(max_examples=40)
@given(
    sizes=st.lists(st.tuples(*[st.integers(0, 60)] * 3), max_size=30),
    places=st.integers(1, 4),
    capacity_bytes=st.integers(1, 100),
)
def test_all_get_through_and_no_gate_is_ever_too_full(
    sizes: list[tuple[int, int, int]], places: int, capacity_bytes: int
) -> None:
    gates = [Watched(places, capacity_bytes) for _ in range(3)]

    def walk(held: tuple[int, int, int]) -> int:
        with GateHolder() as holder:
            for gate, size in zip(gates, held, strict=True):
                holder.advance(gate, size)
        return sum(held)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(walk, sizes, timeout=60)) == [sum(held) for held in sizes]
    for gate in gates:
        assert not gate.was_too_full
        assert not gate.inside
        assert gate.most <= places


def waits(gate: MemoryGate, size_bytes: int) -> tuple[threading.Thread, threading.Event]:
    """A thread that wants to enter, and an event set when it did."""
    entered = threading.Event()

    def enter() -> None:
        gate.enter(size_bytes)
        entered.set()

    thread = threading.Thread(target=enter, daemon=True)
    queue_length = len(gate._queue)
    thread.start()
    while not entered.is_set() and len(gate._queue) == queue_length:
        pass
    return thread, entered


def test_what_is_larger_than_the_gate_goes_in_alone() -> None:
    gate = MemoryGate(4, 10)
    gate.enter(4)
    _, huge = waits(gate, 1000)
    assert not huge.is_set()
    gate.leave(4)
    assert huge.wait(10)
    _, small = waits(gate, 1)
    assert not small.is_set()
    gate.leave(1000)
    assert small.wait(10)


def test_small_ones_do_not_pass_a_large_one_that_waits() -> None:
    gate = MemoryGate(4, 10)
    gate.enter(6)
    _, large = waits(gate, 8)
    _, small = waits(gate, 1)  # it would fit
    assert not small.is_set()
    gate.leave(6)
    assert large.wait(10)
    assert small.wait(10)


def test_the_gate_before_is_left_when_the_next_has_place() -> None:
    first, second = MemoryGate(1, 10), MemoryGate(1, 10)
    second.enter(1)

    def walk() -> None:
        with GateHolder() as holder:
            holder.advance(first, 1)
            holder.advance(second, 1)

    walker = threading.Thread(target=walk, daemon=True)
    walker.start()
    while not second._queue:
        pass
    _, behind = waits(first, 1)
    assert not behind.is_set()
    second.leave(1)
    walker.join(10)
    assert behind.wait(10)


def test_a_failure_leaves_its_gate() -> None:
    gate = MemoryGate(1, 10)

    def walk() -> None:
        with GateHolder() as holder:
            holder.advance(gate, 5)
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        walk()
    gate.enter(10)
