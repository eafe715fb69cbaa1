"""How a batch went, in log lines for people."""

from __future__ import annotations

from srcnn.geometry import Size
from srcnn.report import Report
from srcnn.work import NOT_ATTEMPTED, Outcome
from tasks.logs import logger

_MOST_FAILURES_TOLD = 20
_MEGA = 1_000_000


def tell(report: Report, place: str, *, dry_run: bool) -> None:
    """Log the failures with their reasons, the counts, and where to look.

    Args:
        report: of the run.
        place: where the report is; empty where it was not written.
        dry_run: whether the run only told what it would do.
    """
    log = logger()
    if not report.images:
        log.warning("no images in %s", report.job.src)
    if dry_run:
        for image in report.images:
            log.info("%s", _line(image))
    failures = [image for image in report.images if image.error and not _not_attempted(image)]
    for image in failures[:_MOST_FAILURES_TOLD]:
        log.error("%s", _line(image))
    if len(failures) > _MOST_FAILURES_TOLD:
        log.error("and %d more failures: see the report", len(failures) - _MOST_FAILURES_TOLD)
    log.info("%s", _summary(report, dry_run=dry_run))
    if not dry_run:
        log.info("images: %s", report.job.dst)
    if place:
        log.info("report: %s", place)


def _not_attempted(image: Outcome) -> bool:
    return image.error is not None and image.error.type == NOT_ATTEMPTED


def _line(image: Outcome) -> str:
    if image.error:
        return f"{image.source}: {image.error.type}: {image.error.message}"
    if not (image.size_in and image.size_out):
        return f"{image.source}: {image.status}"
    verb = "would write" if image.status == "written" else image.status
    return (
        f"{image.source}: {verb} {image.output}, {_px(image.size_in)} -> {_px(image.size_out)} px"
    )


def _px(size: Size) -> str:
    return str(Size(*size))


def _summary(report: Report, *, dry_run: bool) -> str:
    counts = report.counts
    made = [image for image in report.images if image.status == "written" and image.size_out]
    megapixels = sum(Size(*image.size_out).pixels for image in made if image.size_out) / _MEGA
    written = "would be written" if dry_run else "written"
    not_attempted = sum(map(_not_attempted, report.images))
    idle = f" ({not_attempted} of these not attempted)" if not_attempted else ""
    return (
        f"{counts['requested']} images: {counts['written']} {written} ({megapixels:.1f} Mpx), "
        f"{counts['skipped']} skipped, {counts['failed']} failed{idle}, in {report.seconds:.1f} s"
    )
