"""The last signal always ends the process, whatever its threads and libraries do.

Python's handlers run in the main thread, between two of its instructions: never, if it waits in a
library. The interpreter writes each signal to the wakeup descriptor at once, where a thread counts
them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import psutil

from flows.errors import Interrupted
from flows.startup import SIGNALS

# For what is left to do after the last signal: to write the report, and to release the lock.
GRACE_SECONDS = 5.0
_MOST_CTRL_C = 3
_MOST_TERMINATIONS = 2


def is_last(numbers: list[int]) -> bool:
    """Whether the signals so far end the process: three Ctrl-C, or two that ask to terminate."""
    terminations = sum(number != signal.SIGINT for number in numbers)
    return len(numbers) >= _MOST_CTRL_C or terminations >= _MOST_TERMINATIONS


@contextlib.contextmanager
def exit_on_last_signal() -> Iterator[None]:
    """Count signals during the body, and end the process a few seconds after the last one.

    One more signal ends it at once. A no-op outside the main thread, and inside another call.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if before != -1:
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)
        yield
        return
    threading.Thread(target=_watch, args=(reader,), name="last-signal", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        os.close(writer)


def kill_process(status: int) -> None:
    """End the process and its children at once."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    os._exit(status)


def _watch(reader: int) -> None:
    numbers: list[int] = []
    while content := os.read(reader, 64):
        was_last, new = is_last(numbers), [number for number in content if number in SIGNALS]
        numbers += new
        if was_last and new:
            kill_process(128 + numbers[0])
        if is_last(numbers) and not was_last:
            threading.Thread(target=_kill_later, args=(128 + numbers[0],), daemon=True).start()
    os.close(reader)


def _kill_later(status: int) -> None:
    time.sleep(GRACE_SECONDS)
    kill_process(status)


@contextlib.contextmanager
def raise_on_signal() -> Iterator[None]:
    """Let every signal raise `Interrupted`, so that locks are released."""

    def handle(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with exit_on_last_signal(), handle_signals(handle):
        yield


@contextlib.contextmanager
def handle_signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals that end a command during the body; SIGHUP only if it is not ignored."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if before[signal.SIGHUP] == signal.SIG_IGN:  # nohup
        del before[signal.SIGHUP]
    try:
        for number in before:
            signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
