"""The tasks of an upscale run: load the model, plan, open the destination, process, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.batch.cancellation import Cancellation
from srcnn.batch.remote_cancellation import follow_lock
from srcnn.batch.worker import ShardResult, open_model, process_shard
from srcnn.destination import ledger
from srcnn.destination.ledger import STATE_FOLDER
from srcnn.image_task import ImageResult, ImageTask
from srcnn.inference.config import InferenceConfig
from srcnn.job import Job, ModelRef
from srcnn.model.model_file import BUNDLED
from srcnn.model.pixel_format import StatedPixels
from srcnn.planning.plan import Plan, make_plan
from srcnn.planning.scales_file import DEFAULT_NAME
from srcnn.planning.select_images import PlanOptions
from srcnn.printable_text import one_line
from srcnn.reporting.report import Report
from srcnn.reporting.report_file import prepare_report_file, write_report_file
from srcnn.reporting.report_table import detect_table_form, write_table
from srcnn.storage.retries import StorageLimits
from srcnn.storage.unfinished_uploads import UnfinishedUpload
from tasks.credentials import use_credentials
from tasks.logs import logger

_README = b"""This folder is srcnn-batch's record of the images it wrote beside it.
ledger/ says what each output was made from, so that a later run makes only what changed.
runs/ holds the page of each run (.html), its report (.json) and its contact sheet (.jpg).
lock/ says which run is at work here now; without it, that run stops.
Without this folder, the next run makes every image again.
"""


@task(name="load-model", cache_policy=NO_CACHE)
def load_model(
    url: str, stated: StatedPixels, inference: InferenceConfig, storage: StorageLimits
) -> ModelRef:
    """Read the model, and build the session that this process uses for the whole run."""
    model = open_model(url, stated, inference, storage)
    logger().info("model %s, sha256 %s", one_line(model.url), model.sha256[:12])
    if not model.graph.convention_is_known:
        logger().warning(
            "%s does not state its pixel convention; assuming %s (--convention overrides this)",
            one_line(model.url),
            model.graph.convention,
        )
    return model


@task(name="plan", cache_policy=NO_CACHE)
def plan(job: Job, options: PlanOptions) -> Plan:
    """List, resolve and compare; refuse what is wrong."""
    return make_plan(job, options)


@task(name="open-destination", cache_policy=NO_CACHE)
def open_destination(
    job: Job, leftovers: Sequence[str], uploads: Sequence[UnfinishedUpload], *, compact: bool
) -> None:
    """Put the destination in order; fails here if nothing can be written there.

    Args:
        job: of the run, which holds the destination.
        leftovers: keys that killed runs left half-written. Not the whole plan: Prefect walks
            through every parameter, which takes seconds for 100,000 images.
        uploads: that killed runs left unfinished.
        compact: whether to compact the ledger.
    """
    destination = job.destination
    destination.write(f"{STATE_FOLDER}/README.txt", _README)
    for key in leftovers:
        destination.remove(key)
    aborted = sum([destination.abort_upload(upload) for upload in uploads])
    if aborted:
        logger().info("dropped %d uploads that an earlier run left unfinished", aborted)
    if compact:
        count = ledger.compact(destination, job.run_id)
        logger().info("compacted the ledger's %d files", count)


@task(name="open-report", cache_policy=NO_CACHE)
def open_report(job: Job, url: str | None, scales_url: str | None, known_url: str | None) -> None:
    """See that the report can be written where it is requested, before the work is done.

    Args:
        job: of the run.
        url: of the report; None if it is not requested.
        scales_url: of the scales file, if an option names it.
        known_url: of the known failures, if an option names them.
    """
    if url:
        model = None if job.model.url == BUNDLED else job.model.url
        scales = scales_url or job.source.get_url(DEFAULT_NAME)
        prepare_report_file(
            url, filter(None, [scales, known_url, model, ".env"]), job.source.limits
        )


@task(name="upscale-shard", cache_policy=NO_CACHE)
def upscale_shard(
    item: list[ImageTask],
    job: Job,
    *,
    aws_block: str | None,
    cancellation: Cancellation | None,
    on_result: Callable[[ImageResult], None] | None,
) -> ShardResult:
    """Process the images of one shard.

    Args:
        item: the images.
        job: what all images share.
        aws_block: the name of the block with the credentials of S3, or None.
        cancellation: of the run; None in another process than the flow's, which follows the
            destination's lock instead.
        on_result: called with each result as soon as it is known; None in another process.
    """
    use_credentials(aws_block)
    with nullcontext(cancellation) if cancellation else follow_lock(job) as active:
        return process_shard(job, item, active, on_result or _ignore)


def _ignore(_: ImageResult) -> None:
    """Results of another process reach the flow with their shard."""


@task(name="write-report", cache_policy=NO_CACHE)
def write_report(report: Report, extra_url: str | None, *, keep: bool) -> str:
    """Write the report to the destination, and where it is requested; return its URL, or ""."""
    content, url, destination = report.to_json(), "", report.job.destination
    if keep:
        destination.write(report.key, content)
        url = destination.get_url(report.key)
    form = detect_table_form(extra_url or "")
    extra = write_table(report.images, form) if form else content
    if extra_url and write_report_file(extra_url, extra, destination.limits):
        url = extra_url
    if url:
        logger().info("report: %s", one_line(url))
    return url
