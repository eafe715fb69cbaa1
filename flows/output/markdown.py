"""Markdown for pages in Prefect: code spans and tables.

Prefect's two user interfaces read Markdown with different libraries. Both treat tables and code
spans the same way. Text that is not our own stands in code spans, where nothing is
markup; an escaped `www.` or `https://` would still become a link in one of them.
https://spec.commonmark.org/0.31.2/#code-spans
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from srcnn.printable_text import one_line, shorten

_LONGEST_NAME = 100


def format_code(text: str, longest: int = _LONGEST_NAME) -> str:
    """Format text so that it is shown as it is, in a table too.

    Args:
        text: such as the name of a file; control characters become escapes.
        longest: characters shown.
    """
    # A table's cell ends at a pipe even within a code span, and how to escape it there depends
    # on the backslashes before it: so the pipes stand outside.
    parts = shorten(one_line(text), longest).split("|")
    return r"\|".join(_span(part) if part.strip() else part for part in parts)


def _span(text: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
