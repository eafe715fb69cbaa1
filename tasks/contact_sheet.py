"""The contact sheet of a run."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.job import Job, Outcome
from srcnn.reporting.contact_sheet import contact_sheet
from srcnn.reporting.report import RUNS_FOLDER
from srcnn.storage.folder import Folder
from tasks.logs import logger


@task(name="contact-sheet", cache_policy=NO_CACHE)
def make_contact_sheet(job: Job, images: Sequence[Outcome]) -> bytes | None:
    """Draw a few images before and after, and keep the sheet beside the run's report.

    Args:
        job: what they share.
        images: written ones, as many as the sheet shall show.

    Returns:
        A JPEG; None where there is nothing to show. A sheet never fails a run.
    """
    dst = Folder(job.dst, job.storage)
    key = f"{RUNS_FOLDER}/{job.run_id}.jpg"
    try:
        sheet = contact_sheet(Folder(job.src, job.storage), dst, images)
        if sheet:
            dst.write(key, sheet)
    # The run's images are written, and whatever befalls their sheet does not change that.
    except Exception as error:  # noqa: BLE001 - told
        logger().warning("no contact sheet: %s: %s", type(error).__name__, error)
        return None
    if sheet:
        logger().info("contact sheet: %s", dst.url_of(key))
    return sheet
