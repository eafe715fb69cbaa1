"""What the two command lines share: reading options, and exit codes.

0    every image written or up to date; the graph is right
1    an image failed; the graph failed its check; Prefect's server went away
2    the command cannot start: an option, a file, a missing source or model, no access
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

import cyclopts
import pydantic
from cyclopts import App
from pydantic_core import ErrorDetails

from flows.errors import BatchFailedError, Interrupted, ServerLostError
from flows.output.json_lines import JsonLines
from flows.output.mode import current_mode
from srcnn.errors import GraphCheckError, SrcnnError
from srcnn.text import one_line

EXIT_FAILED = 1
EXIT_USAGE = 2


def make_app(name: str, summary: str) -> App:
    """A command of one action, with its help in plain text."""
    return App(
        name=name,
        help=summary,
        help_format="plaintext",
        version_flags=[],
        suppress_keyboard_interrupt=False,  # `run` knows which signal it was
    )


def run(app: App, tokens: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit status; errors become one sentence on stderr.

    Args:
        app: the command, from `make_app`.
        tokens: its arguments; those of the process when None.
    """
    # Names of files can hold what the terminal's encoding cannot: show it escaped.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # TextIOWrapper
    signal.signal(signal.SIGTERM, _interrupt)  # as Ctrl-C: what is held is given back
    _log_to_stderr()
    # Pillow's remarks on metadata (corrupt EXIF) name no file; a picture that suffers is refused.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except BaseException as error:
        status = _status_of(error, as_json=_json_lines(error, tokens))
        if status is None:
            raise
        if isinstance(error, ServerLostError):
            _leave(status)
    return int(status or 0)


def _leave(status: int) -> None:
    """End without Prefect's farewell: it tries each event for seconds, and a shard has three."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def _log_to_stderr() -> None:
    """Plain lines for people; Prefect's own handlers serve its runs."""
    logger = logging.getLogger("srcnn")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # It announces each retry by a name of its own; `srcnn.storage.download` says it in words.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    logger.propagate = False


def _json_lines(error: BaseException, tokens: Sequence[str] | None) -> JsonLines | None:
    """Where an error is told to programs; `--json` counts on a line that cannot be read, too."""
    words = sys.argv[1:] if tokens is None else tokens
    unread = isinstance(error, cyclopts.CycloptsError)
    return JsonLines() if unread and "--json" in words else current_mode.get().lines


def _status_of(error: BaseException, *, as_json: JsonLines | None) -> int | None:
    """The exit status for an error that people caused, told on stderr; None for our own."""
    if isinstance(error, KeyboardInterrupt):
        signal_number = error.args[0] if isinstance(error, Interrupted) else signal.SIGINT
        status, text = 128 + int(signal_number), "interrupted"
    else:
        failed = isinstance(error, BatchFailedError | GraphCheckError | ServerLostError)
        status, text = EXIT_FAILED if failed else EXIT_USAGE, _printable(_told(error) or "")
        if not text:
            return None
        sys.stderr.write(f"error: {text}\n")
    if as_json is not None:
        as_json.error(text, status)
    return status


def _printable(text: str) -> str:
    """Names in a message cannot drive the terminal; its lines stay."""
    return "\n".join(map(one_line, text.split("\n")))


def _told(error: BaseException) -> str | None:
    if isinstance(error, cyclopts.CycloptsError):
        cause = error.__cause__
        if isinstance(cause, pydantic.ValidationError):
            return "; ".join(_told_option(problem) for problem in cause.errors())
        return str(error)
    if isinstance(error, PermissionError):
        return f"no access: {error}"
    return str(error) if isinstance(error, SrcnnError | OSError) else None


def _told_option(problem: ErrorDetails) -> str:
    name = "--" + ".".join(str(part) for part in problem["loc"]).replace("_", "-")
    own = problem.get("ctx", {}).get("error")
    return f"{name}: {own}" if own else f"{name}: {problem['msg']}, got {problem['input']!r}"
