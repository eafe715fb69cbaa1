"""Read the header of an image file from its first bytes; no pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from PIL import ImageFile

from srcnn.errors import DamagedImageError, StorageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding.decoding_memory import estimate_decoding_bytes, measure_pixel_bytes
from srcnn.images.decoding.file_size_limits import check_blocks, check_file_size
from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.decoding.jpeg_quality import find_quality
from srcnn.images.decoding.open_image import open_image
from srcnn.images.decoding.orientation import TURNED, find_orientation
from srcnn.images.decoding.tiff_kind import refuse_preview
from srcnn.images.decoding.webp_quality import find_webp_quality


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        size: of the upright picture, with the EXIF orientation applied.
        pixel_bytes: of a decoded pixel, at the most: its colours and alpha, in their depth.
        decoding_bytes: memory that decoding takes at the most, besides the file.
        quality: of a JPEG, or of a JPEG that lost as much as a lossy WebP; 100 for others.
    """

    size: Size
    pixel_bytes: int
    decoding_bytes: int
    quality: float


def read_header(file: IO[bytes]) -> Header:
    """Read the header of an image file, without decoding pixels.

    Args:
        file: open for reading, local or remote: only the bytes that are needed are read.

    Raises:
        DamagedImageError: it is not a readable image.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    with BoundedFile(file) as bounded, open_image(bounded) as image:
        return parse_header(image, bounded)


def parse_header(image: ImageFile.ImageFile, file: BoundedFile) -> Header:
    """Parse the header of an opened image.

    Args:
        image: from `open_image`.
        file: that the image was opened from.

    Raises:
        DamagedImageError: a later part of the header is damaged.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    try:
        frames = _count_frames(image)
    except (StorageError, UnsupportedImageError):
        raise
    # Pillow's parsers raise many types: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError("its header is truncated or damaged") from error
    if frames != "1":
        raise UnsupportedImageError(
            f"it has {frames} frames or pages; only single images are upscaled: split it first"
        )
    refuse_preview(image)
    width, height = image.size
    check_file_size(file.size, width * height)
    check_blocks(image.info)
    turned = find_orientation(image, file) in TURNED
    size = Size(width, height) if turned else Size(height, width)
    return Header(
        size,
        measure_pixel_bytes(image),
        estimate_decoding_bytes(image, file.size),
        find_webp_quality(file) if image.format == "WEBP" else find_quality(image),
    )


def _count_frames(image: ImageFile.ImageFile) -> str:
    # A JPEG, followed by a phone's previews and gain maps; of a HEIC, the primary image is read.
    if image.format in ("MPO", "HEIF"):
        return "1"
    if image.format in ("GIF", "JXL"):  # counting them would read the whole file
        return "several" if getattr(image, "is_animated", False) else "1"
    return str(getattr(image, "n_frames", 1))
