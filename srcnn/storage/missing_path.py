"""Say that a path does not exist: where it was looked for, and what has a similar name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

_MOST_NAMES = 10_000


def describe_missing(path: str, problem: str, known: Sequence[str] = ()) -> str:
    """Describe a local path that does not exist.

    Args:
        path: as it was given.
        problem: such as `no such folder`.
        known: other words that would have been accepted in its place.
    """
    where = "" if Path(path).is_absolute() else f" in {Path.cwd()}"
    parent = Path(path).parent
    names: list[str] = []
    with suppress(OSError):
        names = [entry.name for entry, _ in zip(parent.iterdir(), range(_MOST_NAMES), strict=False)]
    similar = get_close_matches(Path(path).name, [*known, *names], n=1, cutoff=0.75)
    if not similar:
        return f"{path}: {problem}{where}"
    shown = similar[0] if similar[0] in known else str(parent / similar[0])
    return f"{path}: {problem}{where}; did you mean {shown}?"
