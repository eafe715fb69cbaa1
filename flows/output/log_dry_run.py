"""Log what a run would do: how many images of each kind, and with `--list` each of them."""

from __future__ import annotations

import heapq
import logging
from collections import Counter
from collections.abc import Iterable, Sequence

from flows.output.output_mode import current_mode
from srcnn.image_task import ImageResult
from srcnn.images.formats import detect_format
from srcnn.printable_text import one_line, shorten
from srcnn.reporting.report import Report, written_megapixels
from srcnn.reporting.summary import Summary, count_images
from srcnn.source_quality import is_clean
from tasks.logs import logger

_MOST_LARGEST = 3
_MOST_NAMES = 3
_LONGEST_NAME = 80


def log_dry_run(report: Report, summary: Summary) -> None:
    """Log what would be written, skipped and refused; and each image, if that was asked for.

    Args:
        report: of the dry run.
        summary: its numbers.
    """
    log = logger()
    warn_if_empty(report)
    list_images = current_mode.get().list_images
    for image in report.images if list_images else []:
        log.log(_choose_level(image), "%s", describe_image(image))
    for line in _describe_written(report.images.others):
        log.info("%s", line)
    for line in _describe_skipped(report):
        log.info("%s", line)
    for level, line in [] if list_images else _describe_refused(summary):  # they were listed
        log.log(level, "%s", line)
    log.info("%s", summary.text)


def warn_if_empty(report: Report) -> None:
    """Warn of a run without images; of a list without them, the source is not to blame."""
    if not report.images:
        listed = report.options["scales"] if report.options.get("only_listed") else None
        logger().warning("no images in %s", one_line(listed or report.job.source.given))


def _choose_level(image: ImageResult) -> int:
    return logging.ERROR if image.error and not image.known else logging.INFO


def describe_image(image: ImageResult) -> str:
    """Return a line on one image: what became of it, or would.

    Args:
        image: its result.
    """
    source, output = one_line(image.source), one_line(image.output or "")
    if image.error:
        return f"{source}: {image.error.type}: {one_line(image.error.message)}"
    if not (image.size_in and image.size_out and output):
        return f"{source}: {image.status}"
    verb = "would write" if image.status == "written" else image.status
    quality = "" if is_clean(image.quality) else f", q{image.quality:g}"
    return f"{source}: {verb} {output}, {image.size_in} -> {image.size_out} px{quality}"


def _describe_written(images: Sequence[ImageResult]) -> Iterable[str]:
    written = [image for image in images if image.status == "written"]
    if not written:
        return
    kinds = Counter(detect_format(image.output or "") for image in written)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    yield f"would write {count_images(len(written))}: {counts}"
    largest = heapq.nlargest(_MOST_LARGEST, written, key=written_megapixels)
    yield "largest results: " + ", ".join(
        f"{_name(image.output or '')} ({image.size_out} px)" for image in largest
    )


def _describe_skipped(report: Report) -> Iterable[str]:
    skipped = report.counts["skipped"]
    if not skipped:
        return
    exists = "there already" if report.options.get("overwrite") == "never" else "up to date"
    large_enough = sum(each.status == "skipped" for each in report.images.others)
    reasons = Counter({exists: skipped - large_enough, "large enough": large_enough})
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common() if count)
    yield f"would skip {count_images(skipped)}: {counts}"


def _describe_refused(summary: Summary) -> Iterable[tuple[int, str]]:
    for reason in summary.reasons:
        names = [_name(each) for each in reason.examples[:_MOST_NAMES]]
        if reason.count > len(names):
            names.append(f"and {reason.count - len(names)} more")
        text = (
            f"would refuse {count_images(reason.count)}: {reason.type}: {one_line(reason.text)} "
            f"({', '.join(names)})"
        )
        yield (logging.INFO, f"known: {text}") if reason.known else (logging.ERROR, text)
    if summary.other_failures:
        other = f"would refuse {count_images(summary.other_failures)} for other reasons"
        yield (logging.ERROR if summary.new_failures else logging.INFO), other


def _name(key: str) -> str:
    return shorten(one_line(key), _LONGEST_NAME)
