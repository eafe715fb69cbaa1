"""The task that draws the contact sheet of a run."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.image_task import ImageResult
from srcnn.job import Job
from srcnn.reporting.contact_sheet import draw_contact_sheet
from srcnn.reporting.report import RUNS_FOLDER
from tasks.logs import logger


@task(name="contact-sheet", cache_policy=NO_CACHE)
def make_contact_sheet(job: Job, images: Sequence[ImageResult]) -> bytes | None:
    """Draw a few images before and after, and keep the sheet beside the run's report.

    Args:
        job: what they share.
        images: written ones; the sheet shows them all.

    Returns:
        A JPEG; None where there is nothing to show. A sheet never fails a run.
    """
    key = f"{RUNS_FOLDER}/{job.run_id}.jpg"
    try:
        sheet = draw_contact_sheet(job.source, job.destination, images)
        if sheet:
            job.destination.write(key, sheet)
    # The images are written; a sheet that cannot be drawn does not change that.
    except Exception as error:  # noqa: BLE001 - logged
        logger().warning("no contact sheet: %s: %s", type(error).__name__, error)
        return None
    if sheet:
        logger().info("contact sheet: %s", job.destination.get_url(key))
    return sheet
