"""Run sessions that may take long, so that a cancellation or a deadline ends them.

ONNX Runtime looks at the request to stop between two operators, and in every step of a loop.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

import onnxruntime

from srcnn.errors import ModelError

_CHECK_SECONDS = 0.2
_LOG_FATAL_ONLY = 4
_STOP_SECONDS = 5.0  # one operator may take longer, and is left behind
_BUSY, _IDLE = "session", "idle session"
_idle: dict[int, list[SimpleQueue[Callable[[], None]]]] = defaultdict(list)
PROBE_SECONDS = 120.0
"""The longest that a small picture may take; real upscalers take seconds."""


def run_stoppably(
    session: onnxruntime.InferenceSession,
    outputs: Sequence[str] | None,
    feeds: dict[str, Any],
    raise_if_cancelled: Callable[[], None],
) -> Sequence[Any]:
    """Run a session in a thread of its own, and stop it if the caller must not wait any longer.

    So Ctrl-C is noticed during the run, too.

    Args:
        session: of any graph.
        outputs: names of the outputs; None for all.
        feeds: values of the inputs by name.
        raise_if_cancelled: called several times a second; raises to stop.

    Returns:
        The outputs, in order.

    Raises:
        Exception: of `raise_if_cancelled`, or of ONNX Runtime.
    """
    options = onnxruntime.RunOptions()
    options.log_severity_level = _LOG_FATAL_ONLY  # errors are raised as well
    done = threading.Event()
    results: list[Sequence[Any]] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(session.run(outputs, feeds, options))
        # Raised again by the caller's thread.
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            done.set()

    _start(run)
    try:
        while not done.wait(_CHECK_SECONDS):
            raise_if_cancelled()
    except BaseException:
        options.terminate = True
        done.wait(_STOP_SECONDS)
        raise
    for error in errors:
        raise error
    return results[0]


def _start(call: Callable[[], None]) -> None:
    """Run a call in a thread that is idle, or in a new one.

    A new thread for each run would get an arena of its own from the system's allocator, which
    keeps what runs have freed.
    """
    try:
        calls = _idle[os.getpid()].pop()  # threads do not survive a fork
    except IndexError:
        calls = SimpleQueue()
        # A daemon: an operator that does not end must not keep the process.
        threading.Thread(target=_serve, args=(calls,), name=_IDLE, daemon=True).start()
    calls.put(call)


def _serve(calls: SimpleQueue[Callable[[], None]]) -> None:
    thread = threading.current_thread()
    while True:
        call = calls.get()
        thread.name = _BUSY
        call()
        del call
        thread.name = _IDLE
        _idle[os.getpid()].append(calls)


def make_deadline(seconds: float = PROBE_SECONDS) -> Callable[[], None]:
    """Return a function for `run_stoppably` that stops a run after a time.

    The function raises `ModelError`.
    """
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise ModelError(
                f"it takes more than {seconds:g} s for a small picture: it may never end"
            )

    return check
