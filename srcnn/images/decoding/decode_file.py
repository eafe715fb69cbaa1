"""Choose the library that decodes a file; each file is decoded once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
from PIL import ImageFile

from srcnn.images.decoding import avif, bmp, deep_tiff, gif, heif, jpeg, jxl, pillow, png, pnm, webp
from srcnn.images.decoding.avif_frames import check_frames
from srcnn.images.decoding.coded_colours import CodedColours, decode_cicp
from srcnn.images.decoding.file_size_limits import check_block
from srcnn.images.decoding.tiff_check_strips import check_coded_data
from srcnn.images.tiff_metadata import read_tiff_metadata

_METADATA = {
    cv2.IMAGE_METADATA_EXIF: "exif",
    cv2.IMAGE_METADATA_ICCP: "icc_profile",
    cv2.IMAGE_METADATA_XMP: "xmp",
}


@dataclass(frozen=True)
class DecodedFile:
    """The content of a file, before its orientation is applied.

    Attributes:
        pixels: as stored; BGR(A) or grey.
        is_grey: whether the file is grey, even if its pixels have planes for colours.
        metadata: the file's blocks, by OpenCV's metadata type.
        notes: conversions of its colours.
        colours: what it says of them by numbers, where that is known once it is decoded.
    """

    pixels: Any
    is_grey: bool = False
    metadata: dict[int, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    colours: CodedColours | None = None


def decode_file(image: ImageFile.ImageFile, data: bytes, stored_bytes: int) -> DecodedFile:
    """Decode a file, without applying its orientation.

    Args:
        image: opened, not loaded.
        data: the file's content.
        stored_bytes: how many of them were in the file; no pixel lies behind.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: its kind of pixels is not supported.
    """
    if image.format == "PNG":
        pixels, metadata, notes = png.decode(data)
        for kind, name in _METADATA.items():
            check_block(name, metadata.get(kind))
        return DecodedFile(pixels, png.is_grey(data), metadata, notes)
    blobs = {kind: image.info.get(name) for kind, name in _METADATA.items()}
    metadata = {kind: blob for kind, blob in blobs.items() if isinstance(blob, bytes) and blob}
    if image.format == "TIFF":
        check_coded_data(image, memoryview(data)[:stored_bytes])
        metadata |= read_tiff_metadata(image)
    if image.format == "JXL":
        return _decode_jxl(image, data, metadata)
    if image.mode in pillow.CONVERTED_MODES:
        metadata.pop(cv2.IMAGE_METADATA_ICCP, None)  # it is not for RGB
        pixels, note = pillow.decode_as_rgb(image, data)
        return DecodedFile(pixels, metadata=metadata, notes=(note,))
    is_grey = _declares_grey(image, data)  # before the image is loaded
    notes = heif.list_notes(image) if image.format == "HEIF" else ()
    return DecodedFile(_decode_pixels(image, data), is_grey, metadata, notes)


def _decode_jxl(image: ImageFile.ImageFile, data: bytes, metadata: dict[int, bytes]) -> DecodedFile:
    for kind, name in _METADATA.items():
        check_block(name, metadata.get(kind))
    pixels, is_grey, colours = jxl.decode(image, data)
    if isinstance(colours, bytes):
        metadata |= {int(cv2.IMAGE_METADATA_ICCP): colours} if colours else {}
        return DecodedFile(pixels, is_grey, metadata, jxl.list_notes(image))
    numbers = decode_cicp(*colours, is_full=True)
    return DecodedFile(pixels, is_grey, metadata, jxl.list_notes(image), numbers)


def _decode_pixels(image: ImageFile.ImageFile, data: bytes) -> Any:
    match image.format:
        case "JPEG" | "MPO":
            pixels = jpeg.decode(image, data)
        case "WEBP":
            pixels = webp.decode(data, image.size)
        case "AVIF":
            check_frames(data, image.width * image.height)
            pixels = avif.decode(data)
        case "HEIF":
            pixels = heif.decode(data)
        case "TIFF" if deep_tiff.is_deep(image):
            pixels = deep_tiff.decode_deep(image, data)
        case "PPM" if image.mode != "F":
            pixels = pnm.decode(data)
        case "BMP" | "DIB":
            pixels = bmp.decode(image, data)
        case "GIF":
            pixels = gif.decode(data)
        case _:
            pixels = pillow.decode(image)
    return pixels


def _declares_grey(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether a file declares itself grey."""
    if image.format == "AVIF":
        return avif.is_grey(data)
    return image.mode in ("1", "L", "LA") or (
        image.format == "TIFF" and deep_tiff.is_grey_with_alpha(image)
    )
