"""Prepare a decoded picture for the format of its output, before it is upscaled.

What the format cannot hold is refused or dropped here, once; `srcnn.images.encode` only encodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2

from srcnn.errors import UnsupportedImageError
from srcnn.extras import describe_missing
from srcnn.geometry import Size
from srcnn.images import alpha
from srcnn.images.alpha import is_opaque
from srcnn.images.colour import Colour
from srcnn.images.fit_profile import convert_to_srgb, fit_profile
from srcnn.images.formats import (
    DEEP,
    EXTENSIONS,
    JXL_MODULES,
    WITH_ALPHA,
    check_size,
    check_writable,
    detect_format,
)
from srcnn.images.hdr import describe_loss
from srcnn.images.metadata import WITH_METADATA, for_file
from srcnn.images.picture import NO_TRAITS, Picture, Traits
from srcnn.images.pixels import GREY, Pixels, has_alpha
from srcnn.images.resolution import add_exif
from srcnn.images.texts_and_comments import describe_lost_texts
from srcnn.images.turn_and_scale import Change


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
    picture = fit_profile(_drop_opaque_alpha(picture, kind, flatten), kind)
    pixels = picture.pixels
    check_size(extension, size, _bytes_per_pixel(pixels, kind))
    if not keep_metadata or kind not in WITH_METADATA:
        picture = convert_to_srgb(picture, kind)
    traits, lost = _choose_traits(picture.traits, kind, keep_metadata=keep_metadata)
    change = Change(1, Size(*pixels.shape[:2]), size)
    metadata, notes = for_file(picture.metadata, kind, change, grey=pixels.ndim == GREY)
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


def _bytes_per_pixel(pixels: Pixels, kind: str) -> int:
    channels = 1 if pixels.ndim == GREY else pixels.shape[2] if kind in WITH_ALPHA else 3
    return channels * (pixels.itemsize if kind in DEEP else 1)


def _choose_traits(
    traits: Traits, kind: str, *, keep_metadata: bool
) -> tuple[Traits, tuple[str, ...]]:
    """Return what is kept, and notes about what the format cannot say of it."""
    notes = describe_loss(traits.hdr, kind)
    if not keep_metadata:
        return Traits(traits.chroma, hdr=traits.hdr), notes
    return traits, (*notes, *describe_lost_texts(traits.texts, kind))


def _require_writable(extension: str) -> str:
    """Return the format, if what writes it is installed."""
    check_writable(f"x{extension}")
    kind = detect_format(f"x{extension}")
    if kind == "jxl":
        if missing := describe_missing("formats", JXL_MODULES):
            raise UnsupportedImageError(f"a JPEG XL output needs {missing}")
        return kind
    if kind is None or not cv2.haveImageWriter(EXTENSIONS[kind][0]):
        raise UnsupportedImageError(
            f"the installed OpenCV cannot write {extension}: use --format png, or the wheels of "
            "opencv-python-headless"
        )
    return kind
