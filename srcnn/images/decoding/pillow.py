"""Decode 8-bit images with Pillow, and convert CMYK and Lab to RGB."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageCms, ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.deep_tiff import is_deep
from srcnn.images.decoding.jpeg_truncation import check_scans, is_complete, refuse_damage
from srcnn.images.decoding.opencv import UNDECODABLE
from srcnn.images.pixels import GREY

CONVERTED_MODES = ("CMYK", "LAB")
_EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr")
_KINDS = {"F": "a picture of floating-point samples", "I": "a picture of 32-bit samples"}
_ICC_SPACE = slice(16, 20)  # ICC.1, section 7.2.6


def decode(image: ImageFile.ImageFile) -> Any:
    """Decode all pixels: grey, BGR or BGRA; grey with alpha becomes BGRA with equal planes.

    Raises:
        DamagedImageError: the file is truncated or damaged.
        UnsupportedImageError: its samples do not have 8 bits.
    """
    if image.mode not in _EIGHT_BITS:
        raise UnsupportedImageError(
            f"{_KINDS.get(image.mode, 'its kind of samples')} is not supported: convert it to "
            "8 or 16 bits first"
        )
    load(image)
    if image.mode == "La":  # Pillow converts it to nothing else
        return to_bgr(image.convert("LA").convert("RGBA"))
    alpha = image.has_transparency_data
    mode = "RGBA" if alpha else "L" if image.mode in ("1", "L") else "RGB"
    return to_bgr(image if image.mode == mode else image.convert(mode))


def load(image: ImageFile.ImageFile) -> None:
    """Decode every pixel; Pillow rejects truncated files.

    Raises:
        DamagedImageError: the file is truncated or damaged.
    """
    try:
        image.load()
    # Decoders raise many types: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        what = "a part is missing" if "truncated" in str(error).lower() else UNDECODABLE
        raise DamagedImageError(f"the file is truncated or damaged: {what}") from error


def to_bgr(image: Image.Image) -> Any:
    """Return the pixels of an L, RGB or RGBA image in OpenCV's channel order."""
    pixels = np.asarray(image)
    if pixels.ndim == GREY:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if image.mode == "RGBA" else cv2.COLOR_RGB2BGR)


def decode_as_rgb(image: ImageFile.ImageFile, data: bytes) -> tuple[Any, str]:
    """Decode a CMYK or Lab image, and convert it to RGB.

    CMYK is converted to sRGB by the profile in the file, with perceptual intent; without a
    profile by R = (1 - C)(1 - K). Lab is that of ICC and TIFF, with white point D50. JPEGs store
    CMYK inverted, as Adobe introduced it; Pillow handles that.

    Args:
        image: opened, not loaded.
        data: the file's content.

    Returns:
        BGR pixels, and a note about the conversion.

    Raises:
        DamagedImageError: the file is truncated or damaged.
        UnsupportedImageError: it has 16 bits, which Pillow cannot pass to LittleCMS.
    """
    if is_deep(image):
        raise UnsupportedImageError(
            f"16-bit {image.mode} is not supported: convert it to RGB or to 8 bits first"
        )
    profile = image.info.get("icc_profile") or b""
    if image.format in ("JPEG", "MPO"):
        check_scans(data)
    load(image)
    if image.format in ("JPEG", "MPO"):
        _check_jpeg(image, data)
    srgb = ImageCms.createProfile("sRGB")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return to_bgr(_apply_profiles(image, lab, srgb)), "Lab converted to RGB"
    if profile[_ICC_SPACE] == b"CMYK":
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return to_bgr(_apply_profiles(image, own, srgb)), "CMYK converted to RGB by its profile"
        except (OSError, ImageCms.PyCMSError):
            note = "CMYK converted to RGB by formula: its profile is damaged"
            return to_bgr(image.convert("RGB")), note
    return to_bgr(image.convert("RGB")), "CMYK converted to RGB by formula: it has no profile"


def _check_jpeg(image: ImageFile.ImageFile, data: bytes) -> None:
    try:
        simplejpeg.decode_jpeg(data, "CMYK")
    except ValueError as error:
        refuse_damage(str(error), data)
        if not is_complete(data, image):
            truncated = "the file is truncated: a part of the JPEG data is missing"
            raise DamagedImageError(truncated) from error


def _apply_profiles(image: Image.Image, source: Any, target: Any) -> Image.Image:
    result = ImageCms.profileToProfile(
        image, source, target, renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
    )
    if result is None:  # only if it converts in place
        raise ImageCms.PyCMSError("no result")
    return result
