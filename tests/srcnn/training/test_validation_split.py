"""The split by hash: stable, close to the requested share, never without held-out pictures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.training.validation_split import MIN_HELD_OUT, choose_held_out, compute_position, shuffle

KEYS = st.lists(st.text(min_size=1), unique=True, min_size=MIN_HELD_OUT, max_size=40)
SHARES = st.floats(0.01, 0.5)
MANY = [f"folder {number % 7}/{number}.png" for number in range(4000)]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_share_is_met(share: float) -> None:
    assert len(choose_held_out(MANY, share)) / len(MANY) == pytest.approx(share, rel=0.15)


@given(KEYS, SHARES)
def test_there_are_always_pictures_to_validate_on(keys: list[str], share: float) -> None:
    chosen = choose_held_out(keys, share)
    assert len(chosen) >= MIN_HELD_OUT
    assert chosen <= set(keys)
    assert chosen == choose_held_out(keys[::-1], share)


@given(st.integers(0, len(MANY) - 1), SHARES)
def test_adding_or_removing_pictures_moves_no_other(index: int, share: float) -> None:
    rest = MANY[:index] + MANY[index + 1 :]
    assert choose_held_out(rest, share) == choose_held_out(MANY, share) - {MANY[index]}


def test_a_larger_share_holds_out_the_same_and_more() -> None:
    assert choose_held_out(MANY, 0.1) < choose_held_out(MANY, 0.2)


def test_the_split_is_the_same_on_every_machine() -> None:
    """A different split would validate on pictures that a model was trained on."""
    assert compute_position("cats/a.png") == pytest.approx(0.4150874, abs=1e-6)
    assert compute_position("b\udcff.png") == pytest.approx(0.6900702, abs=1e-6)


def test_the_order_is_independent_of_the_split() -> None:
    first = set(shuffle(MANY)[:1000])
    assert len(first & choose_held_out(MANY, 0.5)) == pytest.approx(500, abs=60)
    assert sorted(shuffle(MANY)) == sorted(MANY)
