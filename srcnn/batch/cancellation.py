"""How a run and its work speak to each other: end early, and what became of an image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from srcnn.errors import NotAttemptedError
from srcnn.job import Outcome


@dataclass
class Control:
    """Shared by the run and the threads that work for it.

    Attributes:
        stop: set to end after the images in hand.
        drop: set to drop the images in hand too, before they are written.
        on_outcome: called for each image, from any thread.
        reason: why it was to end; the first one counts.
        fatal: likewise, where the run cannot go on, and not because someone asked.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    drop: threading.Event = field(default_factory=threading.Event)
    on_outcome: Callable[[Outcome], None] = lambda _: None
    reason: str = ""
    fatal: str | None = None

    def end(self, reason: str, *, drop: bool = False, fatal: bool = False) -> None:
        """End after the images in hand, or at once.

        Args:
            reason: a clause for people, of why.
            drop: whether the images in hand are dropped too.
            fatal: whether the run cannot go on, as opposed to being asked to end.
        """
        if not self.stop.is_set():
            self.reason = reason
            self.fatal = reason if fatal else None
            self.stop.set()
        if drop:
            self.drop.set()

    def check_turn(self) -> None:
        """Called before an image is begun.

        Raises:
            NotAttemptedError: the run has ended.
        """
        if self.stop.is_set():
            raise NotAttemptedError(f"not begun: {self.reason}")

    def check(self) -> None:
        """Called between the parts of an image's way.

        Raises:
            NotAttemptedError: the images in hand are to be dropped.
        """
        if self.drop.is_set():
            raise NotAttemptedError(f"dropped: {self.reason}")


# Set by the flow and inherited by its threads. Work in another process has none: it watches
# the destination's lock instead, see `srcnn.destination.lock.watch`.
control: ContextVar[Control] = ContextVar("control")
