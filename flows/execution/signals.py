"""Ctrl-C and SIGTERM during the work: finish what is in hand, then end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from flows.errors import Interrupted
from srcnn.batch.cancellation import Control
from tasks.logs import logger


@dataclass
class Ended:
    """Which signal asked the work to end.

    Attributes:
        number: of the signal; 0 before.
    """

    number: int = 0


@contextmanager
def ended_by_signal(
    run: Control, hand: str = "the images in hand", *, raising: bool = False
) -> Iterator[Ended]:
    """Let a first Ctrl-C or SIGTERM finish what is in hand, and a second one drop it.

    Args:
        run: what is told.
        hand: what is in hand, in words.
        raising: let the second one raise where the work is, which does not look at `run.drop`.

    Raises:
        Interrupted: as said.
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
            logger().warning("interrupted: finishing %s; again to drop them", hand)
            return
        run.end("the run was interrupted", drop=True)
        for each, handler in before.items():
            signal.signal(each, handler)
        logger().warning("dropping %s", hand)
        if raising:
            raise Interrupted(number)

    try:
        for number in numbers:
            signal.signal(number, end)
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
