"""What a file says of itself, read off its first bytes; no pixel is decoded.

What is compressed within a header (profiles, texts) is bounded by Pillow:
https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html#png
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageFile, TiffImagePlugin

from srcnn.errors import DamagedImageError, StorageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding.orientation import TURNED, orientation_in

# Others that Pillow knows are no pictures of ours: PDF and PostScript run other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "PPM", "GIF", "AVIF")


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded.

    Attributes:
        size: as the picture is seen, EXIF orientation applied.
    """

    size: Size


def read_header(file: IO[bytes]) -> Header:
    """Read size and kind off the first bytes, without decoding pixels.

    Args:
        file: open for reading, anywhere in the world: only what is needed is read.

    Raises:
        DamagedImageError: it is no image.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    with opened(file) as image:
        return header_of(image, file)


def opened(file: IO[bytes]) -> ImageFile.ImageFile:
    """Open a file as an image; no pixel is decoded.

    Raises:
        DamagedImageError: it is no image.
        StorageError: it could not be read.
    """
    # Our own limit on pixels is checked on the header (see `plan`); Pillow's is a process-wide
    # warning at 89 Mpx and an error at 179 Mpx.
    Image.MAX_IMAGE_PIXELS = None
    _know_deep_grey_with_alpha()
    try:
        return Image.open(file, formats=_FORMATS)
    except StorageError:  # the file may be whole
        raise
    # Pillow's parsers raise what they meet: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError(f"it is no image that can be read: {reason_of(error)}") from error


def header_of(image: ImageFile.ImageFile, file: IO[bytes]) -> Header:
    """The header of an image.

    Args:
        image: as `opened` gives it.
        file: that it was opened on.

    Raises:
        DamagedImageError: the header is damaged further on.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    try:
        frames = _frames(image)
    except StorageError:
        raise
    # As above: parsers raise many kinds.
    except Exception as error:
        raise DamagedImageError(f"its header is damaged: {reason_of(error)}") from error
    if frames != "1":
        raise UnsupportedImageError(
            f"it has {frames} frames or pages; only single pictures are upscaled: split it first"
        )
    width, height = image.size
    turned = orientation_in(image, file) in TURNED
    return Header(Size(width, height) if turned else Size(height, width))


def reason_of(error: BaseException) -> str:
    """The text of a library's error, for people."""
    text = str(error).partition(" <")[0]  # what follows is an address in memory
    return text or type(error).__name__


def _frames(image: ImageFile.ImageFile) -> str:
    if image.format == "MPO":  # a JPEG, with previews and gain maps of phones behind it
        return "1"
    if image.format == "GIF":  # to count them costs the whole file
        return "several" if getattr(image, "is_animated", False) else "1"
    return str(getattr(image, "n_frames", 1))


def _know_deep_grey_with_alpha() -> None:
    """Tell Pillow that grey with alpha of 16 bits exists, so that it reads its header."""
    for order in (b"II", b"MM"):
        for white in (0, 1):
            for alpha in (1, 2):
                key = (order, white, (1,), 1, (16, 16), (alpha,))
                TiffImagePlugin.OPEN_INFO.setdefault(key, ("RGBA", "LA;16B"))
