"""Prepare a decoded picture for the format of its output, before it is upscaled.

What the format cannot hold is refused or dropped here, once; `srcnn.images.encode` only encodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from srcnn.errors import UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images import alpha
from srcnn.images.alpha import is_opaque
from srcnn.images.colour import Colour
from srcnn.images.formats import (
    DEEP,
    EXTENSIONS,
    WITH_ALPHA,
    check_size,
    check_writable,
    detect_format,
)
from srcnn.images.icc import fits, to_srgb
from srcnn.images.metadata import WITH_METADATA, for_file
from srcnn.images.picture import NO_TRAITS, Picture, Traits
from srcnn.images.pixels import GREY, Pixels, has_alpha
from srcnn.images.resolution import add_exif
from srcnn.images.texts import to_comments


@dataclass(frozen=True)
class PreparedImage:
    """A picture that its output's format can hold.

    Attributes:
        pixels: upright, BGR(A) or grey; upscaled or not.
        format: of the file, a key of `EXTENSIONS`.
        metadata: OpenCV's metadata type to bytes, as the file takes them.
        background: to put the picture on, once it is upscaled; None where it keeps its alpha or
            has none.
        notes: what was done to its colours, for the report.
        is_grey: it has no colours; with alpha it is BGRA of equal planes.
        traits: what else the source says of it, as far as it is kept.
    """

    pixels: Pixels
    format: str
    metadata: dict[int, bytes]
    background: Colour | None = None
    notes: tuple[str, ...] = ()
    is_grey: bool = False
    traits: Traits = NO_TRAITS


def prepare(
    picture: Picture,
    size: Size,
    extension: str,
    *,
    keep_metadata: bool,
    flatten: Colour | None = None,
) -> PreparedImage:
    """Make a picture ready for its output, or refuse it.

    An alpha channel that is opaque everywhere is dropped where the format has none. Without
    metadata, colours of another profile become sRGB.

    Args:
        picture: as decoded.
        size: of the result.
        extension: of the output's file, with its dot.
        keep_metadata: write EXIF, ICC and XMP, where the format takes them (not BMP, PNM). Where
            they are not written, colours of another profile become sRGB first.
        flatten: colour to put pictures with alpha on, for formats that hold none; those that do
            keep it.

    Raises:
        ImageTooLargeError: the format has no such size.
        UnsupportedImageError: the format cannot hold the picture.
    """
    kind = _require_writable(extension)
    picture = _drop_grey_profile(_drop_opaque_alpha(picture, kind, flatten), kind)
    pixels = picture.pixels
    check_size(extension, size, _bytes_per_pixel(pixels, kind))
    if not keep_metadata or kind not in WITH_METADATA:
        picture = _convert_to_srgb(picture)
    traits, lost = _choose_traits(picture.traits, kind, keep_metadata=keep_metadata)
    metadata, notes = for_file(picture.metadata, kind, size, grey=pixels.ndim == GREY)
    return PreparedImage(
        picture.pixels,
        kind,
        add_exif(metadata, kind, traits.resolution),
        flatten if kind not in WITH_ALPHA and has_alpha(pixels) else None,
        (*picture.notes, *notes, *lost),
        picture.is_grey,
        traits,
    )


def _drop_opaque_alpha(picture: Picture, kind: str, flatten: Colour | None) -> Picture:
    """Without an alpha channel that the format cannot hold and that hides nothing."""
    if kind in WITH_ALPHA or not has_alpha(picture.pixels):
        return picture
    if is_opaque(picture.pixels):
        return replace(picture, pixels=alpha.without(picture.pixels))
    if not flatten:
        raise UnsupportedImageError(
            f"it has an alpha channel, which {kind} cannot hold: use --format png, "
            "or --flatten white for a white background"
        )
    return picture


def _drop_grey_profile(picture: Picture, kind: str) -> Picture:
    """Convert a grey picture that is written as colours to sRGB: its profile fits grey only."""
    pixels = picture.pixels
    profile = picture.metadata.get(cv2.IMAGE_METADATA_ICCP, b"")
    stays_grey = pixels.ndim == GREY and kind != "webp"
    if stays_grey or not fits(profile, grey=True) or not (picture.is_grey or pixels.ndim == GREY):
        return picture
    plane: Any = pixels if pixels.ndim == GREY else np.ascontiguousarray(pixels[:, :, 1])
    converted = to_srgb(plane, profile)
    if converted is None:
        note = "a profile of greys was dropped: 16 bits are not converted"
        return replace(picture, notes=(*picture.notes, note))
    if pixels.ndim > GREY:
        in_colours: Any = np.dstack([converted] * 3 + [pixels[:, :, 3:]])
        converted = in_colours
    metadata = {k: v for k, v in picture.metadata.items() if k != cv2.IMAGE_METADATA_ICCP}
    return replace(picture, pixels=converted, metadata=metadata)


def _bytes_per_pixel(pixels: Pixels, kind: str) -> int:
    channels = 1 if pixels.ndim == GREY else pixels.shape[2] if kind in WITH_ALPHA else 3
    return channels * (pixels.itemsize if kind in DEEP else 1)


def _convert_to_srgb(picture: Picture) -> Picture:
    """Drop the metadata, and convert to sRGB, which pixels without a profile are taken for.

    A 16-bit picture keeps its profile if it is not sRGB: Pillow converts 8 bits only, and
    stripping metadata must not change colours.
    """
    profile = picture.metadata.get(cv2.IMAGE_METADATA_ICCP, b"")
    pixels = to_srgb(picture.pixels, profile)
    if pixels is None:
        return replace(picture, metadata={cv2.IMAGE_METADATA_ICCP: profile})
    return replace(picture, pixels=pixels, metadata={})


def _choose_traits(
    traits: Traits, kind: str, *, keep_metadata: bool
) -> tuple[Traits, tuple[str, ...]]:
    """Return what the format can say, and notes about what it cannot."""
    if not keep_metadata:
        return Traits(traits.chroma), ()
    if not any(traits.texts) or kind == "png" or (kind == "jpg" and to_comments(traits.texts)[1]):
        return traits, ()
    return traits, (f"texts or comments were left out: {kind} has no place for them",)


def _require_writable(extension: str) -> str:
    """Return the format, if OpenCV was built with it."""
    check_writable(f"x{extension}")
    kind = detect_format(f"x{extension}")
    if kind is None or not cv2.haveImageWriter(EXTENSIONS[kind][0]):
        raise UnsupportedImageError(
            f"the installed OpenCV cannot write {extension}: use --format png, or the wheels of "
            "opencv-python-headless"
        )
    return kind
