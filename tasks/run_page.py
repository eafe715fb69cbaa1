"""The task that writes the page of a run."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.printable_text import one_line
from srcnn.reporting.previews import Preview
from srcnn.reporting.run_page import RunPage, render_run_page
from tasks.logs import logger


@task(name="write-page", cache_policy=NO_CACHE)
def write_page(page: RunPage, previews: Sequence[Preview]) -> str:
    """Write the page of a run beside its report.

    Args:
        page: what it shows.
        previews: of images before and after; may be empty.

    Returns:
        Its URL; empty if it could not be written. A page never fails a run.
    """
    destination = page.job.destination
    try:
        destination.write(page.key, render_run_page(page, previews))
    # The images are written; a page that is not does not change that.
    except Exception as error:  # noqa: BLE001 - logged
        text = one_line(str(error))
        logger().warning("the page could not be written: %s: %s", type(error).__name__, text)
        return ""
    return destination.get_url(page.key)
