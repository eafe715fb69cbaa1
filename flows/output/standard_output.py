"""Standard output for programs and pipes, whose reader may go away."""

from __future__ import annotations

import os
import sys


def write_out(text: str) -> OSError | None:
    """Write to standard output at once.

    Args:
        text: whole lines.

    Returns:
        Why it could not be written; nothing more can be then. A `BrokenPipeError` says that the
        reader went away.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Or the interpreter would fail to flush it at its end.
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
