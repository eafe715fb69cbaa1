"""A run goes on when nobody reads its log any more, as behind `head` or below a killed worker."""

from __future__ import annotations

from functools import partial

from rich.console import Console

from flows.output.output_mode import list_stream_handlers


def outlive_reader() -> None:
    """Let Prefect's log handlers fall silent when their reader has gone.

    They print through rich, which ends the thread that logs (`SystemExit`), whatever it is doing,
    and sends standard output to `/dev/null`.
    https://rich.readthedocs.io/en/stable/reference/console.html#rich.console.Console.on_broken_pipe
    """
    for handler in list_stream_handlers():
        console = getattr(handler, "console", None)
        if isinstance(console, Console):
            console.on_broken_pipe = partial(_silence, console)  # type: ignore[method-assign]


def _silence(console: Console) -> None:
    console.quiet = True
