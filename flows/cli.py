"""What the commands share: parse options, run a flow, turn errors into an exit status.

0    every image was written or is up to date; the graph is right
1    an image failed; the graph failed its check; the connection to the Prefect server was lost
2    the command could not start: a wrong option or file, a missing source or model, or no access
130  Ctrl-C (143 on SIGTERM)
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from cyclopts import App, CycloptsError

from flows.errors import BatchFailedError, Interrupted, ServerLostError
from flows.execution.exit_on_last_signal import raise_on_signal
from flows.output.json_lines import JsonLines
from flows.output.output_mode import current_mode
from flows.startup import explain_shortage, name_signal
from flows.usage_errors import describe_usage
from srcnn.errors import GraphCheckError, SrcnnError
from srcnn.printable_text import one_line

EXIT_FAILED = 1
EXIT_USAGE = 2


def run(app: App, tokens: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status; errors become one sentence on stderr.

    Args:
        app: the command, from `flows.make_command.make_app`.
        tokens: its arguments; those of the process if None.
    """
    # File names can hold characters that the terminal's encoding lacks: show them escaped.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _log_to_stderr()
    try:
        # Imports what the command needs; until then, a signal ends the process at once.
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        with raise_on_signal():
            status = command(*bound.args, **bound.kwargs)
    except BaseException as error:
        status = _report_error(error, _find_json_lines(error, tokens))
        if status is None:
            raise
        if isinstance(error, ServerLostError):
            _exit_at_once(status)
    return int(status or 0)


def _exit_at_once(status: int) -> None:
    """Exit without Prefect's exit handlers, which retry every event for seconds."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


class _VisibleFormatter(logging.Formatter):
    """Escapes control characters: a library's message may repeat the name of a file."""

    def format(self, record: logging.LogRecord) -> str:
        return _escape(super().format(record))


def _log_to_stderr() -> None:
    """Log plain lines for people; Prefect's own handlers serve its runs."""
    logger = logging.getLogger("srcnn")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_VisibleFormatter("%(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # stamina logs each retry by the name of a function; `srcnn.storage` logs it in words.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    logger.propagate = False


def _find_json_lines(error: BaseException, tokens: Sequence[str] | None) -> JsonLines | None:
    """Return where programs read the error: with `--json`, even if the options are wrong."""
    words = sys.argv[1:] if tokens is None else tokens
    is_unread = isinstance(error, CycloptsError)
    return JsonLines() if is_unread and "--json" in words else current_mode.get().lines


def _report_error(error: BaseException, json_lines: JsonLines | None) -> int | None:
    """Write an expected error to stderr and return the exit status; None for a bug."""
    if isinstance(error, KeyboardInterrupt):
        signal_number = int(error.args[0]) if isinstance(error, Interrupted) else signal.SIGINT
        status, text = 128 + signal_number, name_signal(signal_number)
    else:
        failed = isinstance(error, BatchFailedError | GraphCheckError | ServerLostError)
        status, text = EXIT_FAILED if failed else EXIT_USAGE, _escape(_describe(error) or "")
        if not text:
            return None
    with suppress(OSError):  # the terminal may be gone
        sys.stderr.write(f"error: {text}\n")
        sys.stderr.flush()
    if json_lines is not None:
        json_lines.error(text.partition("\n")[0], status)
    return status


def _escape(text: str) -> str:
    """Escape control characters, so that a file name cannot drive the terminal."""
    return "\n".join(map(one_line, text.split("\n")))


def _describe(error: BaseException) -> str | None:
    """Return the message of an expected error; None for a bug."""
    if isinstance(error, CycloptsError):
        return describe_usage(error)
    if isinstance(error, OSError) and not isinstance(error, SrcnnError):
        if shortage := explain_shortage(error):
            return shortage
        error = _in_words(error)
    if isinstance(error, PermissionError):
        return f"no access: {error}"
    return str(error) if isinstance(error, SrcnnError | OSError) else explain_shortage(error)


def _in_words(error: OSError) -> OSError:
    """Return an error of the system without its number, which says nothing to people."""
    if not error.errno:
        return error
    place = "".join(f"{name}: " for name in (error.filename, error.filename2) if name)
    return type(error)(f"{place}{os.strerror(error.errno)}")
