"""A run's end, for everyone who looks: the JSON lines, and the page in Prefect."""

from __future__ import annotations

from collections.abc import Sequence

from flows.execution.task_calls import Steps
from flows.output.markdown import summary_page
from flows.output.mode import display
from flows.output.prefect_artifacts import publish_sheet, publish_summary
from srcnn.reporting.contact_sheet import chosen
from srcnn.reporting.report import Report
from srcnn.reporting.summary import Summary
from tasks.contact_sheet import make_contact_sheet


def present(  # noqa: PLR0913 - what a run leaves behind
    steps: Steps,
    report: Report,
    summary: Summary,
    place: str,
    warnings: Sequence[str],
    *,
    sheet_images: int,
) -> None:
    """Show what the run came to, where somebody looks.

    Args:
        steps: how tasks are called.
        report: of the run.
        summary: its numbers.
        place: URL of the report; empty where none was kept.
        warnings: told when the run was planned.
        sheet_images: how many a contact sheet shows; 0 for none.
    """
    lines = display.get().lines
    if lines is not None:
        lines.summary(report, summary, place)
    publish_summary(summary.text, summary_page(report, summary, place, warnings))
    images = [] if summary.dry_run else chosen(report.images, sheet_images)
    sheet = steps.call(make_contact_sheet, report.job, images) if images else None
    if sheet:
        publish_sheet(sheet)
