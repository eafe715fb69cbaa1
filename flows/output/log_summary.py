"""Log the end of a batch: failures with their reasons, counts, and where the images are."""

from __future__ import annotations

from srcnn.image_task import ImageResult
from srcnn.reporting.report import Report
from srcnn.reporting.summary import Summary
from srcnn.text import one_line
from tasks.logs import logger

_MOST_FAILURES_LISTED = 20


def log_summary(report: Report, summary: Summary) -> None:
    """Log the failures with their reasons, the counts, and where the images are.

    Args:
        report: of the run.
        summary: its numbers.
    """
    log = logger()
    if not report.images:
        log.warning("no images in %s", report.job.source.given)
    if summary.dry_run:
        for image in report.images:
            log.info("%s", _describe(image))
    failures = [image for image in report.images if image.error and not image.not_attempted]
    for image in failures[:_MOST_FAILURES_LISTED]:
        log.error("%s", _describe(image))
    if len(failures) > _MOST_FAILURES_LISTED:
        log.error("and %d more failures: see the report", len(failures) - _MOST_FAILURES_LISTED)
    for line in summary.note_lines:
        log.info("%s", line)
    log.info("%s", summary.text)
    if not summary.dry_run:
        log.info("images: %s", report.job.destination.given)


def _describe(image: ImageResult) -> str:
    source, output = one_line(image.source), one_line(image.output or "")
    if image.error:
        return f"{source}: {image.error.type}: {one_line(image.error.message)}"
    if not (image.size_in and image.size_out and output):
        return f"{source}: {image.status}"
    verb = "would write" if image.status == "written" else image.status
    return f"{source}: {verb} {output}, {image.size_in} -> {image.size_out} px"
