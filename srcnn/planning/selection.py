"""Which images of a source are asked for, each with its output's name and its scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from srcnn.geometry import Scale
from srcnn.images.formats import Format
from srcnn.planning.globs import Patterns
from srcnn.planning.output_names import output_keys
from srcnn.storage.listing import FileInfo

Overwrite = Literal["changed", "always", "never"]
WhenLarger = Literal["copy", "skip"]


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
class Wish:
    """An image asked for.

    Attributes:
        source: key in the source.
        output: key in the destination.
        info: of the source's file, as listed.
        scale: its own.
    """

    source: str
    output: str
    info: FileInfo
    scale: Scale


def wishes_of(
    images: Sequence[str],
    form: Format,
    listing: Mapping[str, FileInfo],
    selection: Selection,
    scale_of_key: Callable[[str], Scale],
) -> list[Wish]:
    """The images asked for. All images of the source have a say in each other's names.

    Args:
        images: keys of all images of the source.
        form: format of the outputs.
        listing: of the source.
        selection: which of them.
        scale_of_key: the scale of each.
    """
    outputs = output_keys(images, form)
    return [
        Wish(key, outputs[key], listing[key], scale_of_key(key))
        for key in _chosen(images, selection)
    ]


def _chosen(images: Sequence[str], selection: Selection) -> list[str]:
    include, exclude = Patterns(selection.include), Patterns(selection.exclude)
    return [
        key
        for key in images
        if (not selection.include or include.matches(key)) and not exclude.matches(key)
    ]
