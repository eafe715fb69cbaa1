"""How a batch went, in log lines for people."""

from __future__ import annotations

from srcnn.geometry import Size
from srcnn.report import Report
from srcnn.work import NOT_ATTEMPTED, Outcome
from tasks.logs import logger

_MOST_FAILURES_TOLD = 20
_MEGA = 1_000_000


def tell(report: Report, *, dry_run: bool) -> None:
    """Log the failures with their reasons, the counts, and where the images are.

    Args:
        report: of the run.
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


def _not_attempted(image: Outcome) -> bool:
    return image.error is not None and image.error.type == NOT_ATTEMPTED


def _line(image: Outcome) -> str:
    source, output = _shown(image.source), _shown(image.output or "")
    if image.error:
        return f"{source}: {image.error.type}: {_shown(image.error.message)}"
    if not (image.size_in and image.size_out and output):
        return f"{source}: {image.status}"
    verb = "would write" if image.status == "written" else image.status
    return (
        f"{image.source}: {verb} {image.output}, {_px(image.size_in)} -> {_px(image.size_out)} px"
    )


def _shown(text: str) -> str:
    """A name on one line, whatever it holds: a server takes no text that is not UTF-8."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
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
