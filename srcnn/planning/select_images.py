"""Which images of a source are requested, each with its output's name and its scale."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from srcnn.geometry import Scale
from srcnn.images.formats import Format
from srcnn.planning.default_output_names import assign_output_keys
from srcnn.planning.globs import Glob, Globs
from srcnn.planning.list_source import SourceListing
from srcnn.planning.name_outputs_by_template import name_outputs
from srcnn.planning.name_template import NameTemplate
from srcnn.planning.scales_file import Resolved, Resolver
from srcnn.source_quality import AUTO, SourceQuality
from srcnn.storage.file_table import FileInfo, FileTable
from srcnn.storage.key_columns import decode_keys, encode_keys

Overwrite = Literal["changed", "always", "never"]
WhenLarger = Literal["copy", "skip", "shrink"]


@dataclass(frozen=True)
class PlanOptions:
    """Which images are requested, and how large.

    Attributes:
        scale: of images that no row matches; None for the model's own, or 2.
        quality: of sources that no row gives one.
        name: of outputs that no row names; None to keep the names of their sources.
        scales: URL of a scales file; None to look for `scales.csv` in the source.
        only_listed: whether its rows are the images, and the source is not listed.
        include: empty for all images.
        exclude: stronger than `include`.
        overwrite: when an existing output is written again.
        when_larger: what becomes of images that already meet their target.
        max_input_megapixels: images above are refused.
        max_output_megapixels: images whose result would be above are refused.
    """

    scale: Scale | None = None
    quality: SourceQuality = AUTO
    name: NameTemplate | None = None
    scales: str | None = None
    only_listed: bool = False
    include: Sequence[Glob] = ()
    exclude: Sequence[Glob] = ()
    overwrite: Overwrite = "changed"
    when_larger: WhenLarger = "copy"
    max_input_megapixels: float = 250
    max_output_megapixels: float = 250


@dataclass(frozen=True, slots=True)
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


class RequestedImages:
    """The outputs that the user asked for, as columns, by source.

    Attributes:
        files: their sources; one of several outputs is there as many times.
        outputs: keys in the destination, (N,).
        choices: (N,) int32, index of what is asked for.
        resolved: what is asked for, each once.
    """

    def __init__(
        self,
        files: FileTable,
        outputs: pa.Array,
        choices: npt.NDArray[np.int32],
        resolved: Sequence[Resolved],
    ) -> None:
        """Take the columns; see the attributes."""
        self.files, self.outputs, self.choices, self.resolved = files, outputs, choices, resolved

    def filter(self, is_kept: npt.NDArray[np.bool_]) -> RequestedImages:
        """Return the images where a mask (N,) is true."""
        mask = pa.array(is_kept)
        return RequestedImages(
            self.files.filter(mask), self.outputs.filter(mask), self.choices[is_kept], self.resolved
        )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.files)

    def __iter__(self) -> Iterator[RequestedImage]:
        """Yield the images as objects."""
        rows = zip(self.files.items(), decode_keys(self.outputs), self.choices, strict=True)
        for (source, info), output, choice in rows:
            scale, quality, _ = self.resolved[choice]
            yield RequestedImage(source, output, info, scale, quality)


def select_images(
    listing: SourceListing, form: Format, options: PlanOptions, resolver: Resolver
) -> RequestedImages:
    """Select the requested images, and name their outputs.

    Args:
        listing: of the source; each of its images may influence the names of others.
        form: format of the outputs.
        options: which images.
        resolver: finds what is asked for of each.

    Raises:
        UsageError: a template of names does not fit, or two outputs would have one name.
    """
    files = listing.images
    outputs = _name_outputs(files, form)
    if options.include or options.exclude:
        is_wanted = pa.array(match_wanted(files, options))
        files, outputs = files.filter(is_wanted), outputs.filter(is_wanted)
    choices, resolved, rows = resolver.resolve_all(files)
    if rows is not None:
        files, outputs = files.take(rows), outputs.take(pa.array(rows))
    if options.name or any(each.name for each in resolved):
        asked = (resolved[choice] for choice in choices)
        named = ((each.name or options.name, each.scale) for each in asked)
        outputs = name_outputs(files, decode_keys(outputs), named)
    return RequestedImages(files, outputs, choices, resolved)


def match_wanted(keys: Collection[str], options: PlanOptions) -> npt.NDArray[np.bool_]:
    """Return whether the user wants each of N keys, by `include` and `exclude`, (N,)."""
    include, exclude = Globs(options.include), Globs(options.exclude)
    is_wanted = (
        (not options.include or include.matches(key)) and not exclude.matches(key) for key in keys
    )
    return np.fromiter(is_wanted, bool, len(keys))


def _name_outputs(files: FileTable, form: Format) -> pa.Array:
    if form == "keep":
        return files.keys_column
    outputs = assign_output_keys(files, form)
    return encode_keys([outputs[key] for key in files])
