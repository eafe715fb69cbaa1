"""The plan of a run: what is done with each image of the source.

Everything that can be refused is refused here, before any image is processed. Nothing is written.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow.compute as pc

from srcnn.destination import ledger
from srcnn.destination.records import RecordTable
from srcnn.image_results import ImageResults
from srcnn.image_task import ImageResult, ImageTask
from srcnn.job import Job
from srcnn.planning.check_output_versions import check_versions, describe_unproven
from srcnn.planning.inspect_headers import inspect_headers
from srcnn.planning.list_manifest import list_manifest
from srcnn.planning.list_source import SourceListing, list_source
from srcnn.planning.manifest import ManifestResolver, read_manifest
from srcnn.planning.mark_repeats import mark_repeats
from srcnn.planning.refuse_overlap import refuse_shared_folders
from srcnn.planning.scales_file import Resolver, ScaleResolver, find_scales
from srcnn.planning.select_images import (
    PlanOptions,
    RequestedImages,
    match_wanted,
    select_images,
)
from srcnn.planning.up_to_date import Comparison, find_up_to_date
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import encode_keys
from srcnn.storage.unfinished_uploads import UnfinishedUpload


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        tasks: images to process.
        settled: results of images that need no work: up to date, or refused.
        warnings: what people should look at.
        ignored: files that are not images we read: how many, by extension.
        leftovers: keys in the destination that a killed run left half-written.
        unfinished_uploads: outputs that a killed run left uploaded in part.
        needs_compaction: whether the ledger is to be compacted before the work.
    """

    tasks: list[ImageTask]
    settled: ImageResults
    warnings: list[str] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    unfinished_uploads: list[UnfinishedUpload] = field(default_factory=list)
    needs_compaction: bool = False

    @property
    def requested(self) -> int:
        """Images that were asked for."""
        return len(self.tasks) + len(self.settled)


def make_plan(job: Job, options: PlanOptions) -> Plan:
    """Look at source, destination and ledger, and decide for every image.

    Args:
        job: what all images share.
        options: which images, how large, and what is written again.

    Raises:
        UsageError: an option or the scales file is wrong, or outputs could replace sources;
            nothing has been done.
        SourceMissingError: the source or the scales file does not exist.
        OSError: a listing failed, or the source as a whole went out of reach.
    """
    source, destination, graph = job.source, job.destination, job.model.graph
    (listing, resolver), existing = _list_both(job, options)
    refuse_shared_folders(source, destination, listing.images, existing)
    images = select_images(listing, job.output.format, options, resolver)
    known = ledger.load(destination, existing)
    shrinks = options.when_larger == "shrink"
    comparison = Comparison(job, images, existing, known.records, may_shrink=shrinks)
    unproven: list[str] = []
    if options.overwrite == "changed":
        existing = check_versions(comparison, existing, destination)
        comparison = Comparison(job, images, existing, known.records, may_shrink=shrinks)
    is_skipped, up_to_date = find_up_to_date(comparison, options.overwrite)
    if options.overwrite == "changed":
        unproven = describe_unproven(comparison, is_skipped)
    inspected = inspect_headers(source, images.filter(~is_skipped), options, graph)
    settled = ImageResults(_list_failures(listing, options), up_to_date)
    return Plan(
        tasks=mark_repeats(item for item in inspected if isinstance(item, ImageTask)),
        settled=settled.add(item for item in inspected if isinstance(item, ImageResult)),
        warnings=listing.warnings + resolver.list_warnings() + known.warnings + unproven,
        ignored=listing.ignored,
        leftovers=destination.stale_temporaries(existing),
        unfinished_uploads=_find_unfinished_uploads(destination, images, known.records),
        needs_compaction=known.is_scattered,
    )


def _list_both(job: Job, options: PlanOptions) -> tuple[tuple[SourceListing, Resolver], FileTable]:
    """List source and destination, at the same time if one is remote.

    A bucket of 100,000 keys takes its server ten seconds. Two listings of disks take turns on
    Python's lock at every file: together they take twice as long as one after the other.
    """
    if job.source.local_path and job.destination.local_path:
        return _find_sources(job, options), _list_existing(job.destination)
    with ThreadPoolExecutor(1) as pool:
        existing_later = pool.submit(_list_existing, job.destination)
        return _find_sources(job, options), existing_later.result()


def _find_sources(job: Job, options: PlanOptions) -> tuple[SourceListing, Resolver]:
    """Find the files of the source, and what is asked for of them."""
    source, graph = job.source, job.model.graph
    if options.only_listed and options.scales:
        manifest = read_manifest(source, options.scales)
        listing = list_manifest(source, job.destination, manifest.files)
        default = ScaleResolver(None, options.scale, graph, options.quality).default
        return listing, ManifestResolver(manifest, default, graph)
    listing = list_source(source, job.destination)
    scales = find_scales(source, listing.files, options.scales)
    return listing, ScaleResolver(scales, options.scale, graph, options.quality)


def _list_failures(listing: SourceListing, options: PlanOptions) -> list[ImageResult]:
    is_wanted = match_wanted(listing.failures, options)
    return [
        ImageResult(key, None, "failed", error=failure)
        for (key, failure), wanted in zip(listing.failures.items(), is_wanted, strict=True)
        if wanted
    ]


def _list_existing(destination: Folder) -> FileTable:
    return destination.files() if destination.exists() else FileTable.of({})


def _find_unfinished_uploads(
    destination: Folder, images: RequestedImages, records: RecordTable
) -> list[UnfinishedUpload]:
    """Find uploads of earlier runs: this one writes nothing before it has its plan.

    Uploads of other files are other programs'.
    """
    uploads = destination.unfinished_uploads()
    keys = encode_keys([upload.key for upload in uploads])
    is_output = pc.is_in(keys, value_set=images.outputs).to_pylist()
    return [
        upload
        for upload, is_ours in zip(uploads, is_output, strict=True)
        if is_ours or upload.key in records or upload.key.startswith(f"{ledger.STATE_FOLDER}/")
    ]
