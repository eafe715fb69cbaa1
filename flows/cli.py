"""What the commands share: parse options, run a flow, turn errors into an exit status.

0    every image was written or is up to date; the graph is right
1    an image failed; the graph failed its check; the connection to the Prefect server was lost
2    the command could not start: a wrong option or file, a missing source or model, or no access
130  Ctrl-C (143 on SIGTERM)
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType

import pydantic
from cyclopts import App, CycloptsError

from flows.errors import BatchFailedError, Interrupted, ServerLostError
from flows.output.json_lines import JsonLines
from flows.output.mode import current_mode
from srcnn.errors import GraphCheckError, SrcnnError
from srcnn.text import one_line
from srcnn.validation_errors import describe_validation

EXIT_FAILED = 1
EXIT_USAGE = 2


def make_app(name: str, summary: str) -> App:
    """Build a command; its help is plain text.

    Args:
        name: as the help shows it.
        summary: what it does, in one sentence.
    """
    return App(
        name=name,
        help=summary,
        help_format="plaintext",
        version_flags=[],
        suppress_keyboard_interrupt=False,  # `run` knows which signal it was
    )


def run(app: App, tokens: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status; errors become one sentence on stderr.

    Args:
        app: the command, from `make_app`.
        tokens: its arguments; those of the process if None.
    """
    # File names can hold characters that the terminal's encoding lacks: show them escaped.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # TextIOWrapper
    signal.signal(signal.SIGTERM, _raise_interrupted)  # as Ctrl-C: locks are released
    _log_to_stderr()
    # Pillow's warnings about metadata (corrupt EXIF) name no file. Damaged images are refused.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
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


def _raise_interrupted(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def _log_to_stderr() -> None:
    """Log plain lines for people; Prefect's own handlers serve its runs."""
    logger = logging.getLogger("srcnn")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
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
        signal_number = error.args[0] if isinstance(error, Interrupted) else signal.SIGINT
        status, text = 128 + int(signal_number), "interrupted"
    else:
        failed = isinstance(error, BatchFailedError | GraphCheckError | ServerLostError)
        status, text = EXIT_FAILED if failed else EXIT_USAGE, _escape(_describe(error) or "")
        if not text:
            return None
        sys.stderr.write(f"error: {text}\n")
    if json_lines is not None:
        json_lines.error(text, status)
    return status


def _escape(text: str) -> str:
    """Escape control characters, so that a file name cannot drive the terminal."""
    return "\n".join(map(one_line, text.split("\n")))


def _describe(error: BaseException) -> str | None:
    """Return the message of an expected error; None for a bug."""
    if isinstance(error, CycloptsError):
        cause = error.__cause__
        if isinstance(cause, pydantic.ValidationError):
            return describe_validation(cause, _name_option, show_input=True)
        return str(error)
    if isinstance(error, PermissionError):
        return f"no access: {error}"
    return str(error) if isinstance(error, SrcnnError | OSError) else None


def _name_option(path: Sequence[str]) -> str:
    return "--" + ".".join(path).replace("_", "-")
