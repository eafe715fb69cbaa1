"""A decoded image: its pixels, its metadata, and what was done to its colours."""

from __future__ import annotations

from dataclasses import dataclass, field

from srcnn.images.pixels import Pixels


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    Attributes:
        pixels: upright, BGR(A) or grey.
        metadata: EXIF (orientation reset), ICC and XMP, by OpenCV's metadata type.
        notes: conversions of its colours, for the report.
        is_grey: whether it is grey; with alpha, it is BGRA with equal planes.
    """

    pixels: Pixels
    metadata: dict[int, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_grey: bool = False
