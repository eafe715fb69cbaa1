"""Image files read: whole, upright and in their own depth, or refused.

Two libraries read each file: Pillow says whether it is complete, and what its
header holds; OpenCV decodes the pixels in their own depth.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import IO, Any

import cv2
import numpy as np
from PIL import Image, ImageFile

from srcnn.errors import DamagedImageError, StorageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images import Picture
from srcnn.jpeg import is_whole
from srcnn.metadata import metadata_of, orientation_of
from srcnn.pixels import GREY, Pixels, check_picture
from srcnn.tiff import tiff_metadata

_WHITE = 65_535
# Netpbm: magic number, width, height, the value of white; comments run to the line's end.
_PNM_HEADER = re.compile(rb"P[2356](?:\s+(?:#[^\n]*\n\s*)*\d+){2}\s+(?:#[^\n]*\n\s*)*(\d+)\s")
# What puts the pixels of an EXIF orientation upright: quarter turns, then a flip.
_UPRIGHT = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}


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
    with _opened(file) as image:
        try:
            frames = getattr(image, "n_frames", 1)
        except StorageError:
            raise
        # As below: parsers raise many kinds.
        except Exception as error:
            raise DamagedImageError(f"its header is damaged: {_reason(error)}") from error
        # Phones put previews and gain maps behind a JPEG, which is then called MPO.
        if frames > 1 and image.format != "MPO":
            raise UnsupportedImageError(
                f"it has {frames} frames or pages; only single pictures are upscaled: "
                "split it first"
            )
        turned = orientation_of(image) in (5, 6, 7, 8)
        width, height = image.size
    return Header(Size(width, height) if turned else Size(height, width))


def decode(data: bytes) -> Picture:
    """Decode a whole file.

    Args:
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged; a partial picture is never returned.
        UnsupportedImageError: its pixels are of a kind that is not handled.
    """
    size = read_header(io.BytesIO(data)).size
    with _opened(io.BytesIO(data)) as image:
        orientation = orientation_of(image)
        _verify(image, data)
        pixels, kinds, blobs = _opencv(data)
        pixels = _full_range(data, _true_colours(image, pixels))
        metadata = tiff_metadata(image) if image.format == "TIFF" else {}
    pixels = _upright(pixels, orientation)
    if pixels.shape[:2] != size:
        raise DamagedImageError(f"its header says {size}, its pixels are {pixels.shape[:2]}")
    metadata = metadata_of(kinds, blobs, orientation) or metadata
    return Picture(pixels, metadata)


def _opened(file: IO[bytes]) -> ImageFile.ImageFile:
    # Our own limit on pixels is checked on the header (see `plan`); Pillow's is a process-wide
    # warning at 89 Mpx and an error at 179 Mpx.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(file)
    except StorageError:  # the file may be whole
        raise
    # Pillow's parsers raise what they meet: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError(f"it is no image that can be read: {_reason(error)}") from error


def _verify(image: ImageFile.ImageFile, data: bytes) -> None:
    """Decode every pixel once; Pillow refuses a file that ends early."""
    try:
        image.load()
    # As above: decoders raise many kinds.
    except Exception as error:
        raise DamagedImageError(f"the file is truncated or damaged: {_reason(error)}") from error
    if image.format in ("JPEG", "MPO") and not is_whole(data, image):
        raise DamagedImageError("the file is truncated: a part of the JPEG's picture is missing")


def _opencv(data: bytes) -> tuple[Any, Any, Any]:
    """Pixels in the file's own depth, and kinds and bytes of metadata."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    try:
        pixels, kinds, blobs = cv2.imdecodeWithMetadata(buffer, flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DamagedImageError(f"OpenCV cannot decode it: {error.err}") from error
    if pixels is None:
        raise DamagedImageError("OpenCV cannot decode it: the file is damaged, or of a rare kind")
    pixels = _two_or_three_axes(pixels)
    check_picture(pixels)
    return pixels, kinds, blobs


def _true_colours(image: Image.Image, pixels: Any) -> Any:
    """OpenCV's pixels, or Pillow's where OpenCV loses or bends something.

    OpenCV reads the black of a CMYK TIFF as alpha, multiplies the colours of a TIFF with its
    alpha, and drops the alpha of some greys. It reads white in a PNM of bytes as it stands.
    """
    if image.mode == "LAB":
        raise UnsupportedImageError("its colours are Lab: convert it to RGB first")
    alpha = image.has_transparency_data
    same = alpha == (pixels.ndim > GREY and pixels.shape[2] > 3)  # noqa: PLR2004 - BGR
    if pixels.dtype == np.uint8 and (image.format in ("TIFF", "PPM") or not same):
        mode = "RGBA" if alpha else "L" if image.mode in ("1", "L") else "RGB"
        found = np.asarray(image.convert(mode))
        return found[:, :, [2, 1, 0, 3][: found.shape[2]]] if found.ndim > GREY else found
    if same:
        return pixels
    level = image.info.get("transparency")
    if pixels.ndim == GREY and isinstance(level, int):
        return np.dstack([pixels] * 3 + [np.where(pixels == level, 0, 65_535).astype(np.uint16)])
    raise UnsupportedImageError(f"16 bits of the kind {image.mode} are not read: convert it first")


def _full_range(data: bytes, pixels: Any) -> Any:
    """Samples of a deep PNM over the whole of their depth: its header names its own white."""
    header = _PNM_HEADER.match(data)
    if header is None or pixels.dtype != np.uint16:
        return pixels
    scaled = pixels.astype(np.float64) * (_WHITE / int(header[1]))
    return np.rint(np.minimum(scaled, _WHITE)).astype(np.uint16)


def _reason(error: BaseException) -> str:
    text = str(error).partition(" <")[0]  # what follows is an address in memory
    return text or type(error).__name__


def _two_or_three_axes(pixels: Any) -> Any:
    return pixels[:, :, 0] if pixels.ndim > GREY and pixels.shape[2] == 1 else pixels


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    turns, flipped = _UPRIGHT.get(orientation, (0, False))
    turned = np.rot90(pixels, turns)
    flat: Any = np.ascontiguousarray(np.fliplr(turned) if flipped else turned)
    upright: Pixels = flat
    return upright
