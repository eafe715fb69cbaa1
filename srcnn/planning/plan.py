"""The plan of a batch: every image of the source with what is to become of it.

Everything that can be refused is refused here, before any work. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from srcnn.destination import ledger
from srcnn.geometry import parse_scale
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Job, Outcome, Work
from srcnn.planning.inspect_headers import look_at
from srcnn.planning.scales_file import DEFAULT_NAME, Resolver, Scales, read_scales
from srcnn.planning.selection import Selection, wishes_of
from srcnn.planning.source_files import earlier_outputs, images_among, source_files
from srcnn.planning.up_to_date import Making, skipped
from srcnn.storage.files import read_file
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        work: images to make.
        settled: images that need no work: up to date, or impossible.
        warnings: what people should look at.
        left_alone: files that are no images of ours, by extension.
        litter: keys in the destination that a killed run left half-written.
        scattered: the ledger is worth to be compacted before the work.
    """

    work: list[Work]
    settled: list[Outcome]
    warnings: list[str] = field(default_factory=list)
    left_alone: dict[str, int] = field(default_factory=dict)
    litter: list[str] = field(default_factory=list)
    scattered: bool = False


def make_plan(job: Job, selection: Selection, upscaler: Upscaler) -> Plan:
    """Look at source, destination and record, and decide for every image.

    Args:
        job: what all images share.
        selection: which images, how large, and what to do again.
        upscaler: the model, which may have a fixed factor.

    Raises:
        UsageError: an option or the scales file is wrong; nothing has been done.
        SourceMissingError: the source or the scales file is not there.
        OSError: a listing failed, or the source as a whole went out of reach.
    """
    src, dst = Folder(job.src, job.storage), Folder(job.dst, job.storage)
    # Both listings at a time: a bucket of 100,000 keys takes its server ten seconds.
    with ThreadPoolExecutor(1) as pool:
        existing_later = pool.submit(_existing, dst)
        listing, passed_over = _source(src, dst)
        existing = existing_later.result()
    images, left_alone = images_among(listing)
    default = parse_scale(selection.scale) if selection.scale else upscaler.default_scale
    resolver = Resolver(_scales(src, listing, selection), default, upscaler)
    wishes = wishes_of(images, job.form, listing, selection, resolver.scale_of_key)
    known = ledger.load(dst, existing)
    making = Making(job)
    settled = [skipped(wish, making, selection, existing, known.records) for wish in wishes]
    todo = [wish for wish, outcome in zip(wishes, settled, strict=True) if outcome is None]
    decided = look_at(src, todo, selection, upscaler)
    return Plan(
        work=[item for item in decided if isinstance(item, Work)],
        settled=[outcome for outcome in settled if outcome]
        + [item for item in decided if isinstance(item, Outcome)],
        warnings=passed_over + resolver.idle_rows() + known.warnings,
        left_alone=left_alone,
        litter=dst.stale_temporaries(existing),
        scattered=known.is_scattered,
    )


def _source(src: Folder, dst: Folder) -> tuple[dict[str, FileInfo], list[str]]:
    """The source's files, and a warning for each folder that is passed over."""
    listing = source_files(src, dst)
    earlier = earlier_outputs(listing)
    warnings = [f"{src.url_of(key)} holds outputs of an earlier run: left alone" for key in earlier]
    warnings += [
        f"{src.url_of(key)} is a link to a folder: not followed; give it as a source of its own"
        for key in src.linked_folders()
    ]
    inside = tuple(f"{key}/" for key in earlier)
    return {key: info for key, info in listing.items() if not key.startswith(inside)}, warnings


def _existing(dst: Folder) -> dict[str, FileInfo]:
    return dst.files() if dst.exists() else {}


def _scales(src: Folder, listing: Mapping[str, FileInfo], selection: Selection) -> Scales | None:
    if selection.scales:
        return read_scales(selection.scales, read_file(selection.scales, src.limits))
    if DEFAULT_NAME in listing:
        return read_scales(src.url_of(DEFAULT_NAME), src.read(DEFAULT_NAME))
    return None
