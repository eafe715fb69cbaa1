"""What the page of a run shows."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from prefect.context import FlowRunContext

from srcnn.reporting.report import Report
from srcnn.reporting.run_page import MOST_WARNINGS, RunPage
from srcnn.reporting.summary import Summary

_DISTRIBUTIONS = {"srcnn-batch": "srcnn-batch", "ONNX Runtime": "onnxruntime"}


def describe_run(
    report: Report,
    summary: Summary,
    ended: str,
    report_place: tuple[str, str],
    warnings: Sequence[str],
) -> RunPage:
    """Return what the page of a run shows.

    Args:
        report: of the run.
        summary: its numbers.
        ended: why it ended early; empty if it did not.
        report_place: the report's URL, and why it could not be written.
        warnings: of the plan.
    """
    url, problem = report_place
    return RunPage(
        job=report.job,
        started=report.started,
        options=report.options,
        summary=summary,
        ended=ended,
        problem=problem,
        warnings=warnings[:MOST_WARNINGS],
        other_warnings=max(0, len(warnings) - MOST_WARNINGS),
        report_url=url,
        versions=report.versions,
        ignored=report.ignored,
    )


def list_versions() -> dict[str, str]:
    """List the versions of what made the run; Prefect's only if the run is tracked."""
    tracked = {"Prefect": "prefect"} if FlowRunContext.get() else {}
    versions = {name: _find_version(each) for name, each in (_DISTRIBUTIONS | tracked).items()}
    return versions | {"Python": platform.python_version()}


def _find_version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # a checkout that was not installed
        return "(not installed)"
