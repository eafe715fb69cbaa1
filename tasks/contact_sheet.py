"""The task that reads images back, before and after, and draws the contact sheet of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.image_task import ImageResult
from srcnn.job import Job
from srcnn.printable_text import one_line
from srcnn.reporting.before_after_samples import read_samples
from srcnn.reporting.contact_sheet import draw_contact_sheet
from srcnn.reporting.previews import Preview, encode_previews
from srcnn.reporting.report import RUNS_FOLDER
from tasks.logs import logger


@dataclass(frozen=True)
class ContactSheet:
    """Images of a run, before and after.

    Attributes:
        jpeg: all of them in one picture.
        previews: each of them, for the page of the run.
    """

    jpeg: bytes
    previews: list[Preview]


@task(name="contact-sheet", cache_policy=NO_CACHE)
def make_contact_sheet(job: Job, images: Sequence[ImageResult]) -> ContactSheet | None:
    """Draw a few images before and after, and keep the sheet beside the run's report.

    Args:
        job: what they share.
        images: written ones; the sheet shows them all.

    Returns:
        None where there is nothing to show. A sheet never fails a run.
    """
    key = f"{RUNS_FOLDER}/{job.run_id}.jpg"
    try:
        samples = read_samples(job.source, job.destination, images)
        if not samples:
            return None
        sheet = ContactSheet(draw_contact_sheet(samples), encode_previews(samples))
        job.destination.write(key, sheet.jpeg)
    # The images are written; a sheet that cannot be drawn does not change that.
    except Exception as error:  # noqa: BLE001 - logged
        logger().warning("no contact sheet: %s: %s", type(error).__name__, one_line(str(error)))
        return None
    logger().info("contact sheet: %s", one_line(job.destination.get_url(key)))
    return sheet
