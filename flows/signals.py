"""Ctrl-C and SIGTERM during a batch: finish the images in hand, then end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tasks.logs import logger


class Ended:
    """Whether, and by which signal, the work was asked to end.

    Attributes:
        event: set when it was.
        number: of the signal; 0 before.
    """

    def __init__(self) -> None:
        """Not ended yet."""
        self.event = threading.Event()
        self.number = 0


@contextmanager
def ended_by_signal() -> Iterator[Ended]:
    """Let the first Ctrl-C or SIGTERM finish the images in hand; a second one ends at once."""
    ended = Ended()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, _frame: FrameType | None) -> None:
        ended.number = number
        ended.event.set()
        for each, handler in before.items():
            signal.signal(each, handler)
        logger().warning("interrupted: finishing the images in hand; again to drop them")

    try:
        for number in numbers:
            signal.signal(number, end)
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
