"""Names of flow runs in Prefect: what a run reads, and when it started."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from prefect.context import FlowRunContext

from flows.options.base import Options
from srcnn.printable_text import one_line, shorten

_LONGEST_PLACE = 60
# What the server calls a run that nobody gave a name to, such as `ivory-tetra`.
_GENERATED = re.compile(r"[a-z]+(-[a-z]+)+")


def name_after(field: str) -> Callable[[], str]:
    """Return what Prefect calls for the name of a run, whoever starts it.

    A run that was given a name (`prefect deployment run --name`) keeps it.

    Args:
        field: of the flow's options; what the run reads.
    """

    def name_run() -> str:
        context = FlowRunContext.get()
        given = context.flow_run.name if context and context.flow_run else ""
        if given and not _GENERATED.fullmatch(given):
            return given
        options = (context.parameters or {}).get("options") if context else None
        # There are none if a schedule lost them; the flow explains it.
        place = getattr(options, field) if isinstance(options, Options) else ""
        return format_name(place, datetime.now(UTC))

    return name_run


def format_name(place: str, started: datetime) -> str:
    """Format `photos/originals 2026-11-29 02:00 UTC`.

    Args:
        place: path or URL of what the run reads, without credentials; may be empty.
        started: when, UTC as in the report.
    """
    text = shorten(one_line(place.partition("://")[2] or place), _LONGEST_PLACE)
    return f"{text} {started:%Y-%m-%d %H:%M} UTC".strip()
