"""The split by hash: stable, near the share asked for, and never without validation pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.training.validation_split import FEWEST_HELD_OUT, held_out, position, shuffled

KEYS = st.lists(st.text(min_size=1), unique=True, min_size=FEWEST_HELD_OUT, max_size=40)
SHARES = st.floats(0.01, 0.5)
MANY = [f"folder {number % 7}/{number}.png" for number in range(4000)]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_share_is_met(share: float) -> None:
    assert len(held_out(MANY, share)) / len(MANY) == pytest.approx(share, rel=0.15)


@given(KEYS, SHARES)
def test_there_is_always_something_to_validate_on(keys: list[str], share: float) -> None:
    chosen = held_out(keys, share)
    assert len(chosen) >= FEWEST_HELD_OUT
    assert chosen <= set(keys)
    assert chosen == held_out(keys[::-1], share)


@given(st.integers(0, len(MANY) - 1), SHARES)
def test_no_picture_changes_sides_when_others_come_and_go(index: int, share: float) -> None:
    rest = MANY[:index] + MANY[index + 1 :]
    assert held_out(rest, share) == held_out(MANY, share) - {MANY[index]}


def test_a_larger_share_holds_out_the_same_and_more() -> None:
    assert held_out(MANY, 0.1) < held_out(MANY, 0.2)


def test_the_split_is_the_same_on_every_machine() -> None:
    """Another split would validate on pictures that a model was trained on."""
    assert position("cats/a.png") == pytest.approx(0.4150874, abs=1e-6)
    assert position("b\udcff.png") == position("b\udcff.png")


def test_the_order_has_nothing_to_do_with_the_split() -> None:
    first = set(shuffled(MANY)[:1000])
    assert len(first & held_out(MANY, 0.5)) == pytest.approx(500, abs=60)
    assert sorted(shuffled(MANY)) == sorted(MANY)
