"""The plan of a batch: every image of the source with what is to become of it.

Everything that can be refused is refused here, before any work. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from posixpath import splitext
from typing import Literal

from srcnn import ledger
from srcnn.decoding import read_header
from srcnn.errors import ImageError, ImageTooLargeError, StorageError
from srcnn.geometry import Scale, Size, is_large_enough, output_size, parse_scale
from srcnn.images import Format, check_size, check_writable
from srcnn.ledger import Record
from srcnn.naming import output_keys
from srcnn.patterns import Patterns
from srcnn.resolver import Resolver, check_scale
from srcnn.scales import DEFAULT_NAME, Scales, read_scales
from srcnn.sources import earlier_outputs, images_among, source_files
from srcnn.storage.files import read_file
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo
from srcnn.upscaler import Upscaler
from srcnn.work import Failure, Job, Outcome, Work, scale_of

Overwrite = Literal["changed", "always", "never"]
WhenLarger = Literal["copy", "skip"]

_HEADER_THREADS = 16
_MEGA = 1_000_000


@dataclass(frozen=True)
class Selection:
    """Which images are asked for, and how large.

    Attributes:
        scale: for images that no row matches; None for the model's own, or 2.
        scales: URL of a scales file; None to look for `scales.csv` in the source.
        include: globs; empty for all images.
        exclude: globs, stronger than `include`.
        overwrite: when an output that is there is made again.
        when_larger: what becomes of images that already meet their target.
        max_input_megapixels: images above are refused.
        max_output_megapixels: images whose result would be above are refused.
    """

    scale: str | None = None
    scales: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    overwrite: Overwrite = "changed"
    when_larger: WhenLarger = "copy"
    max_input_megapixels: float = 250
    max_output_megapixels: float = 250


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


@dataclass(frozen=True)
class _Wish:
    """An image asked for: its names, its file and its scale."""

    source: str
    output: str
    info: FileInfo
    scale: Scale


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
    wishes = _wishes(images, job.form, listing, selection, resolver.scale_of_key)
    known = ledger.load(dst, existing)
    making = _Making(job)
    skipped = [_skipped(wish, making, selection, existing, known.records) for wish in wishes]
    todo = [wish for wish, outcome in zip(wishes, skipped, strict=True) if outcome is None]
    decided = _look_at(src, todo, selection, upscaler)
    return Plan(
        work=[item for item in decided if isinstance(item, Work)],
        settled=[outcome for outcome in skipped if outcome]
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


def _chosen(images: Sequence[str], selection: Selection) -> list[str]:
    include, exclude = Patterns(selection.include), Patterns(selection.exclude)
    return [
        key
        for key in images
        if (not selection.include or include.matches(key)) and not exclude.matches(key)
    ]


def _scales(src: Folder, listing: Mapping[str, FileInfo], selection: Selection) -> Scales | None:
    if selection.scales:
        return read_scales(selection.scales, read_file(selection.scales, src.limits))
    if DEFAULT_NAME in listing:
        return read_scales(src.url_of(DEFAULT_NAME), src.read(DEFAULT_NAME))
    return None


def _wishes(
    images: Sequence[str],
    form: Format,
    listing: Mapping[str, FileInfo],
    selection: Selection,
    scale_of_key: Callable[[str], Scale],
) -> list[_Wish]:
    """The images asked for. All images of the source have a say in each other's names."""
    outputs = output_keys(images, form)
    return [
        _Wish(key, outputs[key], listing[key], scale_of_key(key))
        for key in _chosen(images, selection)
    ]


class _Making:
    """How this job makes outputs; texts and digests that many of them share are made once."""

    def __init__(self, job: Job) -> None:
        self._model = job.model_sha256
        self._precision = job.precision
        self._text = lru_cache(str)
        # A name before the ending, or it would be the name itself.
        self._options = lru_cache(lambda ending: job.options_digest(f"x{ending}"))

    def made(self, record: Record, wish: _Wish) -> bool:
        """Whether it would make again what was recorded."""
        return (
            record.source_info == wish.info
            and record.scale == self._text(wish.scale)
            and record.options == self._options(splitext(wish.output)[1])
            and record.model == self._model
            and record.precision == self._precision
        )


def _skipped(
    wish: _Wish,
    making: _Making,
    selection: Selection,
    existing: Mapping[str, FileInfo],
    records: Mapping[str, Record],
) -> Outcome | None:
    """The outcome of an image that need not be made again; None where it must be."""
    record = records.get(wish.output)
    found = existing.get(wish.output)
    if selection.overwrite == "always" or found is None:
        return None
    current = record is not None and record.output_info == found and record.source == wish.source
    if selection.overwrite == "changed" and not (
        record is not None and current and making.made(record, wish)
    ):
        return None
    if record is None or not current:
        return Outcome(wish.source, wish.output, "skipped")
    scale = scale_of(record.size_in, record.size_out)
    return Outcome(wish.source, wish.output, "skipped", scale, record.size_in, record.size_out)


def _look_at(
    src: Folder, todo: Sequence[_Wish], selection: Selection, upscaler: Upscaler
) -> list[Work | Outcome]:
    """Read the headers of images that must be made, many at a time."""
    with ThreadPoolExecutor(_HEADER_THREADS) as pool:
        return list(pool.map(lambda wish: _decide(src, wish, selection, upscaler), todo))


def _decide(src: Folder, wish: _Wish, selection: Selection, upscaler: Upscaler) -> Work | Outcome:
    try:
        with src.open(wish.source, wish.info) as file:
            size_in = read_header(file).size
        _check_input(size_in, selection.max_input_megapixels)
        if is_large_enough(size_in, wish.scale):
            if selection.when_larger == "skip":  # there is no output, or not of this scale
                return Outcome(wish.source, None, "skipped", (1.0, 1.0), size_in, size_in)
            check_size(wish.output, size_in)
            return Work(
                wish.source, wish.output, str(wish.scale), wish.info, size_in, size_in, copy=True
            )
        check_writable(wish.output)
        size_out = output_size(size_in, wish.scale)
        _check_output(size_out, selection.max_output_megapixels)
        check_size(wish.output, size_out)
    except (ImageError, OSError) as error:
        if isinstance(error, StorageError):
            src.probe()  # this image's failure alone, unless all of the source is out of reach
        return Outcome(wish.source, wish.output, "failed", error=Failure.of(error))
    check_scale(wish.source, wish.scale, upscaler, size_in)
    return Work(wish.source, wish.output, str(wish.scale), wish.info, size_in, size_out)


def _check_input(size: Size, limit: float) -> None:
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"it has {size.pixels / _MEGA:.1f} megapixels, more than the limit of {limit:g} for "
            "images read: raise SRCNN_MAX_INPUT_MEGAPIXELS"
        )


def _check_output(size: Size, limit: float) -> None:
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"the result would have {size.pixels / _MEGA:.1f} megapixels, more than the limit of "
            f"{limit:g} for results: give it a smaller scale, or raise SRCNN_MAX_OUTPUT_MEGAPIXELS"
        )
