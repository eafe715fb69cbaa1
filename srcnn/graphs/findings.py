"""The findings of a check, one fact each, and the one error that lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from srcnn.errors import GraphCheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHOWN = 4


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a graph.

    Attributes:
        step: the step of the check that found it.
        subject: the node, value or case concerned.
        text: what was expected, what was found, and what to do.
    """

    step: str
    subject: str
    text: str

    def __str__(self) -> str:
        """Format as one line."""
        return f"{self.step}: {self.subject}: {self.text}"


def abridge(findings: Sequence[Finding]) -> list[Finding]:
    """Keep the first few of many similar findings, and add how many more there are."""
    shown, more = list(findings[:_SHOWN]), len(findings) - _SHOWN
    if more > 0:
        shown.append(Finding(findings[0].step, "further cases", f"{more} more like these"))
    return shown


def raise_findings(name: str, findings: Iterable[Finding]) -> None:
    """Raise one error that lists all findings, one per line.

    Args:
        name: of the graph.
        findings: if there are none, nothing is raised.

    Raises:
        GraphCheckError: there is at least one finding.
    """
    lines = [str(finding) for finding in findings]
    if lines:
        count = "1 finding" if len(lines) == 1 else f"{len(lines)} findings"
        raise GraphCheckError("\n".join([f"{name} failed its check, {count}:", *lines]))
