"""Which images of a source are requested, each with its output's name and its scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from srcnn.geometry import Scale
from srcnn.images.formats import Format
from srcnn.planning.globs import Glob, Globs
from srcnn.planning.list_source import SourceListing
from srcnn.planning.output_names import assign_output_keys
from srcnn.planning.scales_file import Resolved
from srcnn.source_quality import AUTO, SourceQuality
from srcnn.storage.file_table import FileInfo

Overwrite = Literal["changed", "always", "never"]
WhenLarger = Literal["copy", "skip"]


@dataclass(frozen=True)
class PlanOptions:
    """Which images are requested, and how large.

    Attributes:
        scale: of images that no row matches; None for the model's own, or 2.
        quality: of sources that no row gives one.
        scales: URL of a scales file; None to look for `scales.csv` in the source.
        include: empty for all images.
        exclude: stronger than `include`.
        overwrite: when an existing output is written again.
        when_larger: what becomes of images that already meet their target.
        max_input_megapixels: images above are refused.
        max_output_megapixels: images whose result would be above are refused.
    """

    scale: Scale | None = None
    quality: SourceQuality = AUTO
    scales: str | None = None
    include: Sequence[Glob] = ()
    exclude: Sequence[Glob] = ()
    overwrite: Overwrite = "changed"
    when_larger: WhenLarger = "copy"
    max_input_megapixels: float = 250
    max_output_megapixels: float = 250


@dataclass(frozen=True)
class RequestedImage:
    """An image that the user asked for.

    Attributes:
        source: key in the source.
        output: key in the destination.
        info: of the source's file, as listed.
        scale: its own.
        quality: of its source.
    """

    source: str
    output: str
    info: FileInfo
    scale: Scale
    quality: SourceQuality = AUTO


def select_images(
    listing: SourceListing,
    form: Format,
    options: PlanOptions,
    resolve: Callable[[str], Resolved],
) -> list[RequestedImage]:
    """Select the requested images, and name their outputs.

    Args:
        listing: of the source; each of its images may influence the names of others.
        form: format of the outputs.
        options: which images.
        resolve: finds the scale and the quality of each.
    """
    outputs = assign_output_keys(listing.images, form)
    include, exclude = Globs(options.include), Globs(options.exclude)
    return [
        RequestedImage(key, outputs[key], info, *resolve(key))
        for key, info in listing.images.items()
        if (not options.include or include.matches(key)) and not exclude.matches(key)
    ]
