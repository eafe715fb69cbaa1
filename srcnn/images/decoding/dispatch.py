"""Which library decodes which kind of file; each file is decoded once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
from PIL import ImageFile

from srcnn.images.decoding import jpeg, opencv, pillow, png, tiff
from srcnn.images.tiff_tags import tiff_metadata

_METADATA = {
    cv2.IMAGE_METADATA_EXIF: "exif",
    cv2.IMAGE_METADATA_ICCP: "icc_profile",
    cv2.IMAGE_METADATA_XMP: "xmp",
}


@dataclass(frozen=True)
class Found:
    """What a file holds.

    Attributes:
        pixels: as they are stored, not turned; BGR(A) or grey.
        is_grey: the file holds no colours, though its pixels may have planes for them.
        metadata: OpenCV's metadata type to the file's own bytes.
        notes: what was done to its colours.
    """

    pixels: Any
    is_grey: bool = False
    metadata: dict[int, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def found_in(image: ImageFile.ImageFile, data: bytes) -> Found:
    """Decode a file as it is stored.

    Args:
        image: opened, not loaded.
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: its pixels are of a kind that is not handled.
    """
    if image.format == "PNG":
        pixels, metadata = png.decoded(data)
        return Found(pixels, png.is_grey(data), metadata)
    blobs = {kind: image.info.get(name) for kind, name in _METADATA.items()}
    metadata = {kind: blob for kind, blob in blobs.items() if isinstance(blob, bytes) and blob}
    if image.format == "TIFF":
        metadata |= tiff_metadata(image)
    if image.mode in pillow.CONVERTED:
        metadata.pop(cv2.IMAGE_METADATA_ICCP, None)  # not of RGB
        pixels, note = pillow.converted(image, data)
        return Found(pixels, metadata=metadata, notes=(note,))
    is_grey = _says_grey(image, data)  # before it is loaded
    return Found(_pixels(image, data), is_grey, metadata)


def _pixels(image: ImageFile.ImageFile, data: bytes) -> Any:
    match image.format:
        case "JPEG" | "MPO":
            pixels = jpeg.pixels_of(image, data)
        case "WEBP":
            pixels = opencv.pixels_of(data)
        case "AVIF":
            pixels = opencv.avif_pixels_of(data)
        case "TIFF" if tiff.is_deep(image):
            pixels = tiff.deep_pixels_of(image, data)
        case "PPM" if opencv.is_deep_pnm(data):
            pixels = opencv.pnm_pixels_of(data)
        case "GIF":
            opencv.pixels_of(data)  # Pillow takes no notice of what is left over in the stream
            pixels = pillow.pixels_of(image)
        case _:
            pixels = pillow.pixels_of(image)
    return pixels


def _says_grey(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether a file says that it has no colours."""
    if image.format == "AVIF":
        return opencv.avif_is_grey(data)
    return image.mode in ("1", "L", "LA") or (
        image.format == "TIFF" and tiff.is_grey_with_alpha(image)
    )
