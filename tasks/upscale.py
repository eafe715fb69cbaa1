"""Tasks of the upscale flow."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.batch.remote_cancellation import followed
from srcnn.batch.worker import ShardResult, process_shard, upscaler_for
from srcnn.destination import ledger
from srcnn.destination.ledger import STATE_FOLDER
from srcnn.job import Job, Work
from srcnn.model.model_file import load_model
from srcnn.planning.plan import Plan, make_plan
from srcnn.planning.selection import Selection
from srcnn.reporting.report import Report
from srcnn.storage.files import file_exists, write_file
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from srcnn.text import one_line
from tasks.credentials import use_credentials
from tasks.logs import logger

_ABOUT = b"""This folder is srcnn-batch's record of the images it wrote beside it.
ledger/ says what each output was made from, so that a later run makes only what changed.
runs/ holds the report of each run, and its contact sheet.
lock/ says which run is at work here now; without it, that run stops.
Without this folder, the next run makes every image again.
"""


@task(name="load-model", cache_policy=NO_CACHE)
def load(job: Job) -> Job:
    """Read the model, build its session, and bind the job to its digest."""
    model = load_model(job.model, job.storage)
    bound = replace(job, model_sha256=model.sha256)
    upscaler = upscaler_for(bound)
    logger().info("model %s, sha256 %s", model.url, model.sha256[:12])
    if not upscaler.info.convention_is_known:
        logger().warning(
            "%s does not say its pixel convention; taken as %s (see --convention)",
            model.url,
            upscaler.info.convention,
        )
    return bound


@task(name="plan", cache_policy=NO_CACHE)
def plan(job: Job, selection: Selection) -> Plan:
    """List, resolve and compare; refuse what is wrong."""
    made = make_plan(job, selection, upscaler_for(job))
    for warning in made.warnings:
        logger().warning("%s", one_line(warning))
    if made.left_alone:
        kinds = ", ".join(f"{count} {kind}" for kind, count in made.left_alone.items())
        logger().info("left alone, no images that can be upscaled: %s", one_line(kinds))
    return made


@task(name="open-destination", cache_policy=NO_CACHE)
def open_destination(job: Job, litter: list[str], *, scattered: bool) -> None:
    """Put the destination in order, and end the run here where that is not allowed.

    Args:
        job: of the run, which holds the destination.
        litter: what writers left half-written that were killed days ago; it is removed.
        scattered: whether the ledger is worth to gather in few files.
    """
    dst = Folder(job.dst, job.storage)
    dst.write(f"{STATE_FOLDER}/README.txt", _ABOUT)
    for key in litter:
        dst.remove(key)
    if scattered:
        logger().info("the ledger's %d files were gathered", ledger.compact(dst, job.run_id))


@task(name="open-report", cache_policy=NO_CACHE)
def open_report(url: str | None, limits: StorageLimits) -> None:
    """See that the report can be written where it is asked for, before the work is done."""
    if url and not file_exists(url, limits):
        write_file(url, b"", limits)


@task(name="upscale-shard", cache_policy=NO_CACHE)
def upscale_shard(
    item: list[Work], job: Job, *, aws_block: str | None = None, remote: bool = False
) -> ShardResult:
    """Make the images of one shard.

    Args:
        item: the images.
        job: what all images share.
        aws_block: the name of the block with the credentials of S3, or None.
        remote: whether this is another process than the flow's: it hears of the run's end by
            the destination's lock.
    """
    use_credentials(aws_block)
    with followed(job) if remote else nullcontext() as run:
        return process_shard(job, item, run)


@task(name="write-report", cache_policy=NO_CACHE)
def write_report(report: Report, extra_url: str | None, *, keep: bool) -> str:
    """Write the report where it is kept and where it is asked for; its place, or nothing."""
    content, place = report.to_json(), ""
    if keep:
        kept = Folder(report.job.dst, report.job.storage)
        kept.write(report.key, content)
        place = kept.url_of(report.key)
    if extra_url:
        write_file(extra_url, content, report.job.storage)
        place = extra_url
    if place:
        logger().info("report: %s", place)
    return place
