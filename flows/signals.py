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
        stop: set when it was; the images in hand are finished.
        drop: set when it was asked again; they are dropped.
        number: of the signal; 0 before.
    """

    def __init__(self) -> None:
        """Not ended yet."""
        self.stop = threading.Event()
        self.drop = threading.Event()
        self.number = 0


@contextmanager
def ended_by_signal() -> Iterator[Ended]:
    """Let a first Ctrl-C or SIGTERM finish the images in hand, and a second one drop them."""
    ended = Ended()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, _frame: FrameType | None) -> None:
        if not ended.stop.is_set():
            ended.number = number
            ended.stop.set()
            logger().warning("interrupted: finishing the images in hand; again to drop them")
            return
        ended.drop.set()
        for each, handler in before.items():
            signal.signal(each, handler)
        logger().warning("dropping the images in hand")

    try:
        for number in numbers:
            signal.signal(number, end)
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
