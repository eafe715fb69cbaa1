"""The first moments of a command, before anything heavy is imported; standard library only.

A signal, a closed stream or a machine without memory ends the command in a sentence there too.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
import signal
import stat
import sys
import warnings
from pathlib import Path
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_USAGE = 2

# Importing the libraries maps about 2 GB, of which less than 300 MB are used.
_LEAST_ADDRESS_SPACE_BYTES = 3_000_000_000
_LEAST_FILES = 64


def start() -> None:
    """Prepare the process; call it first in a script, only when it is run as a program."""
    _open_standard_streams()
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _exit_on_signal)
    sys.excepthook = _explain
    # Only a temporary server needs it, and says so in a sentence.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # `tasks.credentials` warns once
    _refuse_small_limits()
    _refuse_special_env()


def fail(message: str, status: int) -> None:
    """End the process at once, with one sentence on standard error, and as JSON if requested."""
    if "--json" in sys.argv:
        event = {"event": "error", "message": message, "exit_status": status}
        _write(1, json.dumps(event) + "\n")
    _write(2, f"error: {message}\n")
    os._exit(status)


def name_signal(number: int) -> str:
    """Return the sentence for a command that a signal ended."""
    return f"interrupted by {signal.Signals(number).name}"


def explain_shortage(error: BaseException) -> str | None:
    """Return a sentence for an error that says that the machine gives too little; else None."""
    if isinstance(error, MemoryError):
        return "not enough memory: raise the limit of memory (ulimit -v)"
    text = str(error)
    if isinstance(error, RuntimeError) and "can't start new thread" in text:
        return "no thread can be started: raise the limits of processes or memory (ulimit -u, -v)"
    number = error.errno if isinstance(error, OSError) else None
    place = f": {error.filename}" if isinstance(error, OSError) and error.filename else ""
    if number == errno.ENOMEM or "Cannot allocate memory" in text or "failed to map" in text:
        return f"not enough memory: raise the limit (ulimit -v){place}"
    if number == errno.EMFILE or "Too many open files" in text:
        return f"too many open files: raise the limit (ulimit -n){place}"
    return None


def _open_standard_streams() -> None:
    """Open what the caller closed as `/dev/null`: the next file would become standard output."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - as it is
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r")
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    # Not an exception: imports catch those, or turn them into others. Nothing is held yet.
    fail(name_signal(number), 128 + number)


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sentence = explain_shortage(error)
    if sentence is None:
        sys.__excepthook__(kind, error, trace)
    else:
        fail(sentence, EXIT_USAGE)


def _refuse_small_limits() -> None:
    """Libraries end the process without a word, or hang, if they get too little."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < _LEAST_FILES:
        fail(
            f"the limit of open files (ulimit -n) is {files}, expected at least {_LEAST_FILES}: "
            "raise it",
            EXIT_USAGE,
        )
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESS_SPACE_BYTES:
        fail(
            f"the limit of address space (ulimit -v) is {limit // 1_000_000} MB, expected at least "
            f"{_LEAST_ADDRESS_SPACE_BYTES // 1_000_000} MB: raise it, or limit memory by a cgroup",
            EXIT_USAGE,
        )


def _refuse_special_env() -> None:
    """Settings are read from `.env`, also while Prefect is imported: a FIFO would hang there."""
    path = Path(".env")
    try:
        mode = path.stat().st_mode
        path.resolve()
    except FileNotFoundError:
        _refuse_missing_folder()
        return
    except OSError as error:
        fail(f".env: cannot be read: {os.strerror(error.errno or 0)}", EXIT_USAGE)
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        fail(f"{Path.cwd()}/.env: expected a plain file", EXIT_USAGE)


def _refuse_missing_folder() -> None:
    try:
        Path.cwd()
    except OSError:
        fail("the working directory is gone: change to another one", EXIT_USAGE)


def _write(descriptor: int, text: str) -> None:
    try:
        os.write(descriptor, text.encode(errors="backslashreplace"))
    except OSError:  # nobody reads
        return
