"""What every property test relies on: threads that other tests left behind do not fail it."""

from __future__ import annotations

import random
import threading

from hypothesis import given
from hypothesis import strategies as st


def ping() -> int:
    """Draw from the shared generator in another thread, as each ping of a WebSocket does."""
    drawn: list[int] = []
    thread = threading.Thread(target=lambda: drawn.append(random.getrandbits(32)))
    thread.start()
    thread.join()
    return drawn[0]


@given(st.builds(ping))
def test_a_thread_that_uses_random_does_not_fail_a_property(drawn: int) -> None:
    assert 0 <= drawn < 2**32
