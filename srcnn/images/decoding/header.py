"""Read the header of an image file from its first bytes; no pixel is decoded.

Pillow limits the size of compressed parts of a header (profiles, texts):
https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html#png
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageFile, TiffImagePlugin

from srcnn.errors import DamagedImageError, StorageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding.orientation import TURNED, find_orientation

# Only these of Pillow's formats: PDF and PostScript, for example, would run other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "PPM", "GIF", "AVIF")


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        size: of the upright picture, with the EXIF orientation applied.
    """

    size: Size


def read_header(file: IO[bytes]) -> Header:
    """Read the header of an image file, without decoding pixels.

    Args:
        file: open for reading, local or remote: only the bytes that are needed are read.

    Raises:
        DamagedImageError: it is not a readable image.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    with open_image(file) as image:
        return parse_header(image, file)


def open_image(file: IO[bytes]) -> ImageFile.ImageFile:
    """Open a file as an image, without decoding pixels.

    Raises:
        DamagedImageError: it is not a readable image.
        StorageError: it could not be read.
    """
    # The plan checks our own limit on pixels, by the header. Pillow's is a process-wide warning at
    # 89 Mpx and an error at 179 Mpx.
    Image.MAX_IMAGE_PIXELS = None
    _register_deep_grey_with_alpha()
    try:
        return Image.open(file, formats=_FORMATS)
    except StorageError:  # the file itself may be intact
        raise
    # Pillow's parsers raise many types: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError(f"not a readable image: {describe_error(error)}") from error


def parse_header(image: ImageFile.ImageFile, file: IO[bytes]) -> Header:
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
    except StorageError:
        raise
    # As above: parsers raise many types.
    except Exception as error:
        raise DamagedImageError(f"its header is damaged: {describe_error(error)}") from error
    if frames != "1":
        raise UnsupportedImageError(
            f"it has {frames} frames or pages; only single images are upscaled: split it first"
        )
    width, height = image.size
    turned = find_orientation(image, file) in TURNED
    return Header(Size(width, height) if turned else Size(height, width))


def describe_error(error: BaseException) -> str:
    """Return the text of a library's error, for messages."""
    text = str(error).partition(" <")[0]  # followed by a memory address
    return text or type(error).__name__


def _count_frames(image: ImageFile.ImageFile) -> str:
    if image.format == "MPO":  # a JPEG, followed by a phone's previews and gain maps
        return "1"
    if image.format == "GIF":  # counting them would read the whole file
        return "several" if getattr(image, "is_animated", False) else "1"
    return str(getattr(image, "n_frames", 1))


def _register_deep_grey_with_alpha() -> None:
    """Make Pillow read the headers of TIFFs in 16-bit grey with alpha, which it does not know."""
    for order in (b"II", b"MM"):
        for white in (0, 1):
            for alpha in (1, 2):
                key = (order, white, (1,), 1, (16, 16), (alpha,))
                TiffImagePlugin.OPEN_INFO.setdefault(key, ("RGBA", "LA;16B"))
