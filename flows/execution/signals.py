"""Ctrl-C and SIGTERM during the work: finish what is in progress, then end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from flows.errors import Interrupted
from srcnn.batch.cancellation import Cancellation
from tasks.logs import logger


@dataclass
class ReceivedSignal:
    """The signal that ended the work.

    Attributes:
        number: of the first signal; 0 before.
    """

    number: int = 0


@contextmanager
def cancel_on_signal(
    cancellation: Cancellation, what: str = "the images in progress", *, raising: bool = False
) -> Iterator[ReceivedSignal]:
    """Let a first Ctrl-C or SIGTERM finish what is in progress, and a second one drop it.

    Args:
        cancellation: set by the signals.
        what: what is in progress, for messages.
        raising: let the second signal raise where the work is, which does not ask
            `cancellation` whether to drop it.

    Raises:
        Interrupted: on the second signal, if `raising`.
    """
    received = ReceivedSignal()
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def handle(number: int, _frame: FrameType | None) -> None:
        if not received.number:
            received.number = number
            cancellation.cancel("the run was interrupted")
            logger().warning("interrupted: finishing %s; interrupt again to stop at once", what)
            return
        cancellation.cancel("the run was interrupted", drop=True)
        for each, handler in before.items():
            signal.signal(each, handler)
        logger().warning("dropping %s", what)
        if raising:
            raise Interrupted(number)

    try:
        for number in numbers:
            signal.signal(number, handle)
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
