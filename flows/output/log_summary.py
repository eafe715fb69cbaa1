"""Log the end of a batch: failures with their reasons, counts, and where the images are."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from flows.output.log_dry_run import describe_image, log_dry_run, warn_if_empty
from srcnn.image_task import ImageResult
from srcnn.printable_text import one_line
from srcnn.reporting.report import Report
from srcnn.reporting.summary import Summary
from tasks.logs import logger

_MOST_FAILURES_LISTED = 20


def log_summary(report: Report, summary: Summary) -> None:
    """Log the failures with their reasons, the counts, and where the images are.

    Args:
        report: of the run.
        summary: its numbers.
    """
    log = logger()
    if summary.dry_run:
        log_dry_run(report, summary)
        return
    warn_if_empty(report)
    failed = [image for image in report.images.others if image.error and not image.not_attempted]
    _log_failures([image for image in failed if not image.known], logging.ERROR)
    # Below warnings: with `--quiet`, a night without news is silent.
    _log_failures([image for image in failed if image.known], logging.INFO, "known: ", "known ")
    for line in summary.note_lines:
        log.info("%s", line)
    log.info("%s", summary.text)
    log.info("images: %s", one_line(report.job.destination.given))


def _log_failures(
    images: Sequence[ImageResult], level: int, before: str = "", kind: str = ""
) -> None:
    for image in images[:_MOST_FAILURES_LISTED]:
        logger().log(level, "%s%s", before, describe_image(image))
    if len(images) > _MOST_FAILURES_LISTED:
        more = len(images) - _MOST_FAILURES_LISTED
        logger().log(level, "and %d more %sfailures: see the report", more, kind)
