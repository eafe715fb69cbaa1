"""Ctrl-C and SIGTERM during a batch: finish the images in hand, then end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from srcnn.control import Control
from tasks.logs import logger


@dataclass
class Ended:
    """Which signal asked the work to end.

    Attributes:
        number: of the signal; 0 before.
    """

    number: int = 0


@contextmanager
def ended_by_signal(run: Control) -> Iterator[Ended]:
    """Let a first Ctrl-C or SIGTERM finish the images in hand, and a second one drop them.

    Args:
        run: what is told.
    """
    ended = Ended()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def end(number: int, _frame: FrameType | None) -> None:
        if not ended.number:
            ended.number = number
            run.end("the run was interrupted")
            logger().warning("interrupted: finishing the images in hand; again to drop them")
            return
        run.end("the run was interrupted", drop=True)
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
