"""The plan of a run: what is done with each image of the source.

Everything that can be refused is refused here, before any image is processed. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from srcnn.destination import ledger
from srcnn.image_task import ImageResult, ImageTask
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Job
from srcnn.planning.inspect_headers import inspect_headers
from srcnn.planning.scales_file import DEFAULT_NAME, ScaleResolver, Scales, read_scales
from srcnn.planning.selection import PlanOptions, select_images
from srcnn.planning.source_files import find_earlier_outputs, list_source_files, split_images
from srcnn.planning.up_to_date import Fingerprint, skip_if_current
from srcnn.storage.files import read_file
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        tasks: images to process.
        settled: images that need no work: up to date, or refused.
        warnings: what people should look at.
        ignored: files that are not images we read: how many, by extension.
        leftovers: keys in the destination that a killed run left half-written.
        needs_compaction: whether the ledger is to be compacted before the work.
    """

    tasks: list[ImageTask]
    settled: list[ImageResult]
    warnings: list[str] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    needs_compaction: bool = False

    @property
    def requested(self) -> int:
        """Images that were asked for."""
        return len(self.tasks) + len(self.settled)


def make_plan(job: Job, options: PlanOptions, upscaler: Upscaler) -> Plan:
    """Look at source, destination and ledger, and decide for every image.

    Args:
        job: what all images share.
        options: which images, how large, and what is written again.
        upscaler: the model, which may have a fixed factor.

    Raises:
        UsageError: an option or the scales file is wrong; nothing has been done.
        SourceMissingError: the source or the scales file does not exist.
        OSError: a listing failed, or the source as a whole went out of reach.
    """
    source, destination = job.source, job.destination
    # Both listings at a time: a bucket of 100,000 keys takes its server ten seconds.
    with ThreadPoolExecutor(1) as pool:
        existing_later = pool.submit(_list_existing, destination)
        listing, warnings = _list_source(source, destination)
        existing = existing_later.result()
    keys, ignored = split_images(listing)
    scales = _read_scales(source, listing, options)
    resolver = ScaleResolver(scales, options.scale or upscaler.default_scale, upscaler)
    images = select_images(keys, job.output.format, listing, options, resolver.resolve)
    known = ledger.load(destination, existing)
    fingerprint = Fingerprint(job)
    skipped = [
        skip_if_current(image, fingerprint, options.overwrite, existing, known.records)
        for image in images
    ]
    to_inspect = [image for image, skip in zip(images, skipped, strict=True) if skip is None]
    inspected = inspect_headers(source, to_inspect, options, upscaler)
    return Plan(
        tasks=[item for item in inspected if isinstance(item, ImageTask)],
        settled=[result for result in skipped if result]
        + [item for item in inspected if isinstance(item, ImageResult)],
        warnings=warnings + resolver.list_unused_rows() + known.warnings,
        ignored=ignored,
        leftovers=destination.stale_temporaries(existing),
        needs_compaction=known.is_scattered,
    )


def _list_source(source: Folder, destination: Folder) -> tuple[dict[str, FileInfo], list[str]]:
    """The source's files, and a warning for each folder that is skipped."""
    listing = list_source_files(source, destination)
    earlier = find_earlier_outputs(listing)
    warnings = [
        f"{source.url_of(key)} holds outputs of an earlier run: left alone" for key in earlier
    ]
    warnings += [
        f"{source.url_of(key)} is a link to a folder: not followed; give it as a source of its own"
        for key in source.linked_folders()
    ]
    inside = tuple(f"{key}/" for key in earlier)
    return {key: info for key, info in listing.items() if not key.startswith(inside)}, warnings


def _list_existing(destination: Folder) -> dict[str, FileInfo]:
    return destination.files() if destination.exists() else {}


def _read_scales(
    source: Folder, listing: Mapping[str, FileInfo], options: PlanOptions
) -> Scales | None:
    if options.scales:
        return read_scales(options.scales, read_file(options.scales, source.limits))
    if DEFAULT_NAME in listing:
        return read_scales(source.url_of(DEFAULT_NAME), source.read(DEFAULT_NAME))
    return None
