"""A decoded image: its pixels, its metadata, and what was done to its colours."""

from __future__ import annotations

from dataclasses import dataclass, field

from srcnn.images.chroma import Chroma
from srcnn.images.pixels import Pixels
from srcnn.images.resolution import Resolution
from srcnn.images.texts_and_comments import NO_TEXTS, Texts


@dataclass(frozen=True)
class Traits:
    """What a file says of its picture in fields of its format, not in a block of metadata.

    Attributes:
        chroma: resolution of its colours; None if they are not separate from luma.
        resolution: that it is to be printed at; None if the file says none.
        texts: and comments.
        hdr: primaries and transfer of PQ or HLG, by their numbers in ITU-T H.273; else None.
    """

    chroma: Chroma | None = None
    resolution: Resolution | None = None
    texts: Texts = NO_TEXTS
    hdr: tuple[int, int] | None = None


NO_TRAITS = Traits()


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    Attributes:
        pixels: upright, BGR(A) or grey.
        metadata: EXIF (orientation reset), ICC and XMP, by OpenCV's metadata type.
        notes: conversions of its colours, for the report.
        is_grey: whether it is grey; with alpha, it is BGRA with equal planes.
        traits: what else its file says of it.
    """

    pixels: Pixels
    metadata: dict[int, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_grey: bool = False
    traits: Traits = NO_TRAITS
