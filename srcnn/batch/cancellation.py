"""Cancel a run early: set from any thread, checked before each image and between its steps."""

from __future__ import annotations

import threading

from srcnn.errors import NotAttemptedError


class Cancellation:
    """Shared by a run and its threads.

    A run ends in two steps. When it is cancelled, images in progress are finished and no other is
    begun; when they are dropped too, they end before their outputs are written.

    Attributes:
        reason: why the run was cancelled, a clause for people; the first one counts. Empty before.
        fatal: the same, if the run cannot go on, rather than was asked to end; None otherwise.
    """

    def __init__(self) -> None:
        """Nothing is cancelled."""
        self.reason = ""
        self.fatal: str | None = None
        self._cancelled = threading.Event()
        self._dropped = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether no other image is begun."""
        return self._cancelled.is_set()

    @property
    def drops_images(self) -> bool:
        """Whether images in progress are dropped."""
        return self._dropped.is_set()

    def cancel(self, reason: str, *, drop: bool = False, fatal: bool = False) -> None:
        """End the run, from any thread or from a signal handler.

        Args:
            reason: a clause for people, of why.
            drop: whether the images in progress are dropped too.
            fatal: whether the run cannot go on, rather than was asked to end.
        """
        if not self._cancelled.is_set():
            self.reason = reason
            self.fatal = reason if fatal else None
            self._cancelled.set()
        if drop:
            self._dropped.set()

    def raise_if_cancelled(self, *, begun: bool = True) -> None:
        """Stop an image if it must not go on; called before it, and between its steps.

        Args:
            begun: whether the image is in progress, and so is only dropped on request.

        Raises:
            NotAttemptedError: the image must not go on.
        """
        if begun and self._dropped.is_set():
            raise NotAttemptedError(f"dropped: {self.reason}")
        if not begun and self._cancelled.is_set():
            raise NotAttemptedError(f"not started: {self.reason}")
