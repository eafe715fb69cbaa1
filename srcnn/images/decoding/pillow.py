"""Pixels of eight bits by Pillow, and colours that become RGB."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.header import reason_of
from srcnn.images.decoding.jpeg_truncation import is_whole
from srcnn.images.decoding.tiff import is_deep
from srcnn.images.pixels import GREY

CONVERTED = ("CMYK", "LAB")
_EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr")
_ICC_SPACE = slice(16, 20)  # ICC.1, section 7.2.6


def pixels_of(image: ImageFile.ImageFile) -> Any:
    """Decode all pixels: grey, BGR or BGRA; grey with alpha is BGRA of equal planes.

    Raises:
        DamagedImageError: the file is truncated or damaged.
        UnsupportedImageError: its samples are no bytes.
    """
    if image.mode not in _EIGHT_BITS:
        raise UnsupportedImageError(
            f"its pixels are of the kind {image.mode}: convert it to 8 or 16 bits first"
        )
    load(image)
    alpha = image.has_transparency_data
    mode = "RGBA" if alpha else "L" if image.mode in ("1", "L") else "RGB"
    return bgr(image if image.mode == mode else image.convert(mode))


def load(image: ImageFile.ImageFile) -> None:
    """Decode every pixel; Pillow refuses a file that ends early.

    Raises:
        DamagedImageError: the file is truncated or damaged.
    """
    try:
        image.load()
    # Decoders raise many kinds: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError(f"the file is truncated or damaged: {reason_of(error)}") from error


def bgr(image: Image.Image) -> Any:
    """The pixels of an image in OpenCV's order; L, RGB or RGBA."""
    pixels = np.asarray(image)
    if pixels.ndim == GREY:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if image.mode == "RGBA" else cv2.COLOR_RGB2BGR)


def converted(image: ImageFile.ImageFile, data: bytes) -> tuple[Any, str]:
    """BGR of CMYK and Lab, and a note that says how.

    CMYK goes by the profile in the file, perceptually, to sRGB; without one by
    R = (1 - C)(1 - K). Lab is that of ICC and TIFF: D50. JPEGs hold CMYK inverted, as Adobe
    wrote it first and all readers expect it: Pillow knows.

    Args:
        image: opened, not loaded.
        data: its file.

    Raises:
        DamagedImageError: the file is truncated or damaged.
        UnsupportedImageError: 16 bits, which LittleCMS does not take from Pillow.
    """
    if is_deep(image):
        raise UnsupportedImageError(
            f"{image.mode} of 16 bits is not read: convert it to RGB, or to 8 bits, first"
        )
    profile = image.info.get("icc_profile") or b""
    load(image)
    if image.format in ("JPEG", "MPO") and not is_whole(data, image):
        raise DamagedImageError("the file is truncated: a part of the JPEG's picture is missing")
    srgb = ImageCms.createProfile("sRGB")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return bgr(_through(image, lab, srgb)), "Lab converted to RGB"
    if profile[_ICC_SPACE] == b"CMYK":
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return bgr(_through(image, own, srgb)), "CMYK converted to RGB by its profile"
        except (OSError, ImageCms.PyCMSError):
            note = "CMYK converted to RGB by formula: its profile is damaged"
            return bgr(image.convert("RGB")), note
    return bgr(image.convert("RGB")), "CMYK converted to RGB by formula: it has no profile"


def _through(image: Image.Image, source: Any, target: Any) -> Image.Image:
    result = ImageCms.profileToProfile(
        image, source, target, renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
    )
    if result is None:  # only where it converts in place
        raise ImageCms.PyCMSError("no result")
    return result
