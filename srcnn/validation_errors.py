"""Pydantic's errors as messages for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from srcnn.printable_text import one_line, shorten

_MOST_SHOWN = 200  # characters of why a file cannot be read

NameField: TypeAlias = Callable[[Sequence[str]], str]
"""Returns the name that users know a field by, from its path in the model."""


def dotted(path: Sequence[str]) -> str:
    """Return the path of a field in a file, such as `checkpoint.sha256`."""
    return ".".join(path) or "the content"


def describe_validation(
    error: ValidationError, name_field: NameField = dotted, *, show_input: bool = False
) -> str:
    """Describe every problem as `name: what is wrong`, with semicolons between.

    Args:
        error: what pydantic raised.
        name_field: how to name a field.
        show_input: whether to show the values, which must be neither secrets nor whole files.
    """
    return "; ".join(
        f"{name_field(list(map(str, problem['loc'])))}: {_explain(problem, show_input=show_input)}"
        for problem in error.errors()
    )


def describe_unreadable(error: Exception) -> str:
    """Describe in one short line why a JSON file cannot be read.

    Args:
        error: what `json` or pydantic raised.
    """
    if isinstance(error, RecursionError):
        return "its JSON is nested too deeply"
    text = describe_validation(error) if isinstance(error, ValidationError) else str(error)
    return shorten(one_line(text), _MOST_SHOWN)


def _explain(problem: ErrorDetails, *, show_input: bool) -> str:
    """Return the message of our own validator, which is complete, or pydantic's."""
    own = problem.get("ctx", {}).get("error")
    if isinstance(own, Exception):  # pydantic's own is a string
        return str(own)
    given = f", got {problem['input']!r}" if show_input else ""
    return f"{problem['msg']}{given}"
