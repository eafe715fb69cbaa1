"""Decode TIFF of 10 to 16 bits with OpenCV, which returns the stored samples, in the upper bits.

Tags give their meaning (TIFF 6.0), which is applied here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import opencv
from srcnn.images.decoding.orientation import apply_orientation
from srcnn.images.decoding.tiff_kind import FORMATS
from srcnn.images.decoding.tiff_samples import decode_pairs, decode_planes
from srcnn.images.decoding.tiff_strips import (
    BITS,
    COMPRESSION,
    ORIENTATION,
    PHOTOMETRIC,
    PLANAR,
    SEPARATE,
    UNCOMPRESSED,
    read_number,
    read_tag,
)
from srcnn.images.pixels import GREY, scale_samples, strips

_EXTRA, _FORMAT = 338, 339
_WHITE_IS_ZERO, _UNSIGNED, _PREMULTIPLIED = 0, 1, 1
_WHITE = 65_535
_DEEP = (10, 12, 14, 16)  # bits
_ONLY_IN_8_BITS = {34925: "LZMA", 50000: "Zstandard"}  # OpenCV has neither


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether its samples have more than 8 bits."""
    return max(read_tag(image, BITS, 1)) > 8  # noqa: PLR2004 - bits


def is_grey_with_alpha(image: ImageFile.ImageFile) -> bool:
    """Whether a deep TIFF that Pillow opened as RGBA is grey with alpha."""
    photometric = read_number(image, PHOTOMETRIC, 2)
    return is_deep(image) and image.mode == "RGBA" and photometric in (0, 1)


def decode_deep(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode a TIFF of 10, 12, 14 or 16 bits: grey, BGR or BGRA with straight alpha, of 16 bits.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: its samples are not unsigned integers of such bits, or its mode is
            not supported.
    """
    _check(image)
    in_planes = read_number(image, PLANAR, 1) == SEPARATE and image.mode in ("RGB", "RGBA")
    # OpenCV mixes up separate planes, and drops the alpha of grey.
    if in_planes or is_grey_with_alpha(image):
        pixels = _decode_samples(image, data, in_planes=in_planes)
    else:
        pixels = opencv.decode(data)
    if pixels.dtype != np.uint16:
        raise DamagedImageError(f"its header says 16 bits, but its pixels are {pixels.dtype}")
    bits = read_number(image, BITS, 16)
    if bits < 16:  # noqa: PLR2004 - white is below 65535
        pixels = scale_samples(pixels >> (16 - bits), 2**bits - 1, np.uint16)
    if read_number(image, PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        colours = 3 if pixels.ndim > GREY else None
        pixels[..., :colours] = _WHITE - pixels[..., :colours]
    if pixels.ndim > GREY and pixels.shape[2] > 3:  # noqa: PLR2004 - BGR
        if not image.has_transparency_data:  # a fourth sample of unknown meaning
            return np.ascontiguousarray(pixels[:, :, :3])
        if read_number(image, _EXTRA, 0) == _PREMULTIPLIED:
            return _unpremultiply(pixels)
    return pixels


def _check(image: ImageFile.ImageFile) -> None:
    bits, kind = set(read_tag(image, BITS, 1)), set(read_tag(image, _FORMAT, _UNSIGNED))
    if len(bits) > 1 or not bits.issubset(_DEEP) or kind != {_UNSIGNED}:
        raise UnsupportedImageError(
            f"its samples have {max(bits)} bits and are {FORMATS.get(max(kind), 'untyped')}; "
            "expected unsigned integers of 8 to 16 bits, all alike: convert it first"
        )
    compression = read_number(image, COMPRESSION, UNCOMPRESSED)
    if compression in _ONLY_IN_8_BITS:
        raise UnsupportedImageError(
            f"{_ONLY_IN_8_BITS[compression]} is not supported for 16-bit TIFF: save it with deflate"
        )
    if image.mode not in ("I;16", "I;16B", "I;16L", "RGB", "RGBA"):
        raise UnsupportedImageError(
            "16-bit TIFF of these colours is not supported: convert it to RGB or grey first"
        )


def _decode_samples(image: ImageFile.ImageFile, data: bytes, *, in_planes: bool) -> Any:
    """Decode as BGR or BGRA, with the orientation applied."""
    samples = decode_planes(image, data) if in_planes else decode_pairs(image, data)
    order = [0, 0, 0, 1] if is_grey_with_alpha(image) else [2, 1, 0, 3][: samples.shape[2]]
    return apply_orientation(samples[:, :, order], read_number(image, ORIENTATION, 1))


def _unpremultiply(pixels: Any) -> Any:
    """Divide colours by their alpha; TIFF 6.0, section 18."""
    result = np.empty_like(pixels)
    for rows in strips(pixels):
        alpha = pixels[rows, :, 3:].astype(np.float32)
        colours = pixels[rows, :, :3] * np.float32(_WHITE) / np.maximum(alpha, 1)
        result[rows, :, :3] = np.rint(np.minimum(colours, _WHITE))
        result[rows, :, 3:] = pixels[rows, :, 3:]
    return result
