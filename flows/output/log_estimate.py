"""Log what a run will take, and at its end how near that came."""

from __future__ import annotations

from collections.abc import Iterable

from flows.output.output_mode import current_mode
from srcnn.amounts import format_bytes, format_range, format_seconds
from srcnn.estimation.extrapolate import Estimate
from srcnn.estimation.first_images import EarlyEstimate
from srcnn.job import Job
from srcnn.printable_text import one_line
from srcnn.reporting.summary import count_images
from tasks.logs import logger

_MOST_FAILURES = 3


def log_estimate(job: Job, estimate: Estimate) -> None:
    """Log the estimate of a dry run, how sure it is, and what it leaves out.

    Args:
        job: what all images share.
        estimate: of the run.
    """
    log = logger()
    for line in _describe_failures(estimate):
        log.warning("%s", line)
    seconds = format_range(*estimate.seconds, format_seconds)
    content = format_range(*estimate.output_bytes, format_bytes)
    log.info(
        "would take %s and write %s: estimated from %s, processed on this machine in %s",
        seconds,
        content,
        count_images(estimate.images),
        format_seconds(estimate.measured_seconds),
    )
    if job.source.local_path is None:
        rate = format_bytes(estimate.read_bytes_per_second)
        log.info("reading %s was measured: %s/s", one_line(job.source.given), rate)
    if job.destination.local_path is None:
        place = one_line(job.destination.given)
        log.info("not in the time, because not measured: writing %s to %s", content, place)


def announce_early(estimate: EarlyEstimate) -> None:
    """Report what a run will take, once its first images are done.

    Args:
        estimate: of the run.
    """
    seconds = format_range(*estimate.seconds, format_seconds)
    logger().info("estimated: %s in all, by the first %d images", seconds, estimate.images)
    lines = current_mode.get().lines
    if lines is not None:
        lines.estimate(estimate.fields)


def log_accuracy(estimate: EarlyEstimate, seconds: float) -> None:
    """Log how near the estimate of a run came.

    Args:
        estimate: made after its first images.
        seconds: that the run took.
    """
    logger().info(
        "took %s; after its first %d images, %s had been estimated",
        format_seconds(seconds),
        estimate.images,
        format_range(*estimate.seconds, format_seconds),
    )


def _describe_failures(estimate: Estimate) -> Iterable[str]:
    failures = estimate.failures
    if not failures:
        return
    yield f"{len(failures)} of the {estimate.images} images that were tried failed:"
    for source, failure in list(failures.items())[:_MOST_FAILURES]:
        yield f"{one_line(source)}: {failure.type}: {failure.message}"
    if len(failures) > _MOST_FAILURES:
        yield f"and {len(failures) - _MOST_FAILURES} more"
