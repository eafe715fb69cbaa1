"""The verdict on a run, in one line: what a person reads first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from srcnn.reporting.summary import Summary

State = Literal["passed", "warned", "failed"]


@dataclass(frozen=True)
class Verdict:
    """How a run went.

    Attributes:
        state: passed; warned if there was nothing to do it with; failed as the exit status says.
        headline: in a few words.
    """

    state: State
    headline: str


def judge(summary: Summary, ended: str = "") -> Verdict:
    """Judge a run by its numbers.

    Args:
        summary: of the run.
        ended: why it ended early; empty if it did not.
    """
    counts = summary.counts
    requested, written, skipped, failed = (
        counts[name] for name in ("requested", "written", "skipped", "failed")
    )
    if summary.dry_run:
        state: State = "failed" if summary.new_failures else "passed"
        return Verdict(state, f"{written:,} of {requested:,} images would be written")
    if ended:
        return Verdict("failed", f"Ended early: {written:,} of {requested:,} images written")
    if summary.new_failures:
        known = f", {summary.known:,} of them known" if summary.known else ""
        return Verdict("failed", f"{failed:,} of {requested:,} images failed{known}")
    if not requested:
        return Verdict("warned", "No images were found")
    noun = "image" if written == 1 else "images"
    known = f", {failed:,} known to fail" if failed else ""
    return Verdict("passed", f"{written:,} {noun} written, {skipped:,} skipped{known}")
