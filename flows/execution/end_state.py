"""How a flow ends well: its result, and in Prefect a state whose message says what came of it."""

from __future__ import annotations

from typing import TypeVar, cast

from prefect.context import FlowRunContext
from prefect.states import Completed

from srcnn.printable_text import one_line

R = TypeVar("R")


def complete(result: R, message: str) -> R:
    """Return what a flow returns at its end.

    Args:
        result: of the flow.
        message: of the state of a tracked run, in a line.
    """
    if FlowRunContext.get() is None:
        return result
    # Prefect unpacks it for whoever called the flow.
    return cast("R", Completed(message=one_line(message), data=result))
