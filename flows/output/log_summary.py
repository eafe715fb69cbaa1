"""How a batch went, in log lines for people."""

from __future__ import annotations

from flows.output.mode import display
from srcnn.geometry import Size
from srcnn.job import Job, Outcome
from srcnn.planning.plan import Plan
from srcnn.reporting.report import Report
from srcnn.reporting.summary import Summary
from srcnn.text import one_line
from tasks.logs import logger

_MOST_FAILURES_TOLD = 20


def tell_plan(job: Job, plan: Plan, *, dry_run: bool) -> None:
    """Tell programs what the run is going to do; people see its progress."""
    lines = display.get().lines
    if lines is not None:
        lines.plan(job, plan, dry_run=dry_run)


def tell(report: Report, summary: Summary) -> None:
    """Log the failures with their reasons, the counts, and where the images are.

    Args:
        report: of the run.
        summary: its numbers.
    """
    log = logger()
    if not report.images:
        log.warning("no images in %s", report.job.src)
    if summary.dry_run:
        for image in report.images:
            log.info("%s", _line(image))
    failures = [image for image in report.images if image.error and not image.not_attempted]
    for image in failures[:_MOST_FAILURES_TOLD]:
        log.error("%s", _line(image))
    if len(failures) > _MOST_FAILURES_TOLD:
        log.error("and %d more failures: see the report", len(failures) - _MOST_FAILURES_TOLD)
    for note in summary.noted:
        log.info("%s", note)
    log.info("%s", summary.text)
    if not summary.dry_run:
        log.info("images: %s", report.job.dst)


def _line(image: Outcome) -> str:
    source, output = one_line(image.source), one_line(image.output or "")
    if image.error:
        return f"{source}: {image.error.type}: {one_line(image.error.message)}"
    if not (image.size_in and image.size_out and output):
        return f"{source}: {image.status}"
    verb = "would write" if image.status == "written" else image.status
    return f"{source}: {verb} {output}, {_px(image.size_in)} -> {_px(image.size_out)} px"


def _px(size: Size) -> str:
    return str(Size(*size))
