"""Ctrl-C and SIGTERM during the work: finish what is in progress, then end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from flows.errors import Interrupted
from flows.execution.exit_on_last_signal import exit_on_last_signal, handle_signals, is_last
from srcnn.batch.cancellation import Cancellation
from tasks.logs import logger

_DROP_SECONDS = 1.5


@dataclass
class ReceivedSignal:
    """The signals that ended the work.

    Attributes:
        numbers: of the signals, in order.
    """

    numbers: list[int] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Of the first signal; 0 before."""
        return self.numbers[0] if self.numbers else 0


@contextmanager
def cancel_on_signal(
    cancellation: Cancellation, what: str = "the images in progress", *, raising: bool = False
) -> Iterator[ReceivedSignal]:
    """Let a first signal finish what is in progress, and a second one drop it.

    A third Ctrl-C, or a second SIGTERM or SIGHUP, is the last: see `exit_on_last_signal`.

    Args:
        cancellation: set by the signals.
        what: what is in progress, for messages.
        raising: let the second signal raise where the work is, which does not ask
            `cancellation` whether to drop it.

    Raises:
        Interrupted: on the last signal, or on the second one if `raising`.
    """
    received = ReceivedSignal()
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        received.numbers.append(number)
        last = is_last(received.numbers)
        if len(received.numbers) == 1:
            cancellation.cancel("the run was interrupted")
            logger().warning("interrupted: finishing %s; interrupt again to stop at once", what)
            return
        was_dropping = cancellation.drops_images
        cancellation.cancel("the run was interrupted", drop=True)
        if not was_dropping:
            logger().warning("dropping %s", what)
        if last and not (was_dropping or raising):
            time.sleep(_DROP_SECONDS)  # what does drop its images does so within this time
        if last or raising:
            raise Interrupted(number)

    with exit_on_last_signal(), handle_signals(handle):
        yield received
