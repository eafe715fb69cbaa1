"""What is wrong with a graph, one fact each, and the one error that lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from srcnn.errors import GraphCheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHOWN = 4


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        rung: the part of the check that found it.
        subject: the node, value or case that it is about.
        text: what was expected, what is there, and what to do.
    """

    rung: str
    subject: str
    text: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.rung}: {self.subject}: {self.text}"


def abridged(findings: Sequence[Finding]) -> list[Finding]:
    """The first few of many findings of one kind, and how many more there are."""
    shown, more = list(findings[:_SHOWN]), len(findings) - _SHOWN
    if more > 0:
        shown.append(Finding(findings[0].rung, "further cases", f"{more} more like these"))
    return shown


def raise_findings(name: str, findings: Iterable[Finding]) -> None:
    """Fail with everything that was found, a line each.

    Args:
        name: of the graph.
        findings: all of them; none is no error.

    Raises:
        GraphCheckError: there is at least one.
    """
    lines = [str(finding) for finding in findings]
    if lines:
        count = "1 finding" if len(lines) == 1 else f"{len(lines)} findings"
        raise GraphCheckError("\n".join([f"{name} failed its check, {count}:", *lines]))
