"""The plan of a run: what is done with each image of the source.

Everything that can be refused is refused here, before any image is processed. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from srcnn.destination import ledger
from srcnn.image_task import ImageResult, ImageTask
from srcnn.job import Job
from srcnn.planning.check_versions import check_versions, describe_unproven
from srcnn.planning.inspect_headers import inspect_headers
from srcnn.planning.list_source import list_source
from srcnn.planning.overlap import refuse_shared_folders
from srcnn.planning.scales_file import ScaleResolver, find_scales
from srcnn.planning.select_images import PlanOptions, select_images
from srcnn.planning.up_to_date import Fingerprint, skip_if_current
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.unfinished_uploads import UnfinishedUpload


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        tasks: images to process.
        settled: images that need no work: up to date, or refused.
        warnings: what people should look at.
        ignored: files that are not images we read: how many, by extension.
        leftovers: keys in the destination that a killed run left half-written.
        unfinished_uploads: outputs that a killed run left uploaded in part.
        needs_compaction: whether the ledger is to be compacted before the work.
    """

    tasks: list[ImageTask]
    settled: list[ImageResult]
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
    # Both listings at a time: a bucket of 100,000 keys takes its server ten seconds.
    with ThreadPoolExecutor(1) as pool:
        existing_later = pool.submit(_list_existing, destination)
        listing = list_source(source, destination)
        existing = existing_later.result()
    refuse_shared_folders(source, destination, listing.images, existing)
    scales = find_scales(source, listing.files, options.scales)
    resolver = ScaleResolver(scales, options.scale, graph, options.quality)
    images = select_images(listing, job.output.format, options, resolver.resolve)
    known = ledger.load(destination, existing)
    fingerprint = Fingerprint(job)
    if options.overwrite == "changed":
        existing = check_versions(images, fingerprint, existing, known.records, destination)
    skipped = [
        skip_if_current(image, fingerprint, options.overwrite, existing, known.records)
        for image in images
    ]
    to_inspect = [image for image, skip in zip(images, skipped, strict=True) if skip is None]
    unproven: list[str] = []
    if options.overwrite == "changed":
        unproven = describe_unproven(to_inspect, fingerprint, existing, known.records)
    inspected = inspect_headers(source, to_inspect, options, graph)
    return Plan(
        tasks=[item for item in inspected if isinstance(item, ImageTask)],
        settled=[result for result in skipped if result]
        + [item for item in inspected if isinstance(item, ImageResult)],
        warnings=listing.warnings + resolver.list_warnings() + known.warnings + unproven,
        ignored=listing.ignored,
        leftovers=destination.stale_temporaries(existing),
        unfinished_uploads=_find_unfinished_uploads(
            destination, {image.output for image in images} | known.records.keys()
        ),
        needs_compaction=known.is_scattered,
    )


def _list_existing(destination: Folder) -> FileTable:
    return destination.files() if destination.exists() else FileTable.of({})


def _find_unfinished_uploads(
    destination: Folder, outputs: Container[str]
) -> list[UnfinishedUpload]:
    """Find uploads of earlier runs: this one writes nothing before it has its plan.

    Uploads of other files are other programs'.
    """
    return [
        upload
        for upload in destination.unfinished_uploads()
        if upload.key in outputs or upload.key.startswith(f"{ledger.STATE_FOLDER}/")
    ]
