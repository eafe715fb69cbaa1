"""Decode 16-bit TIFF with OpenCV or tifffile, which return the stored samples.

Tags give their meaning (TIFF 6.0), which is applied here.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import tifffile
from PIL import ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import opencv
from srcnn.images.decoding.orientation import apply_orientation
from srcnn.images.pixels import GREY

_BITS, _PHOTOMETRIC, _ORIENTATION, _PLANAR, _EXTRA, _FORMAT = 258, 262, 274, 284, 338, 339
_WHITE_IS_ZERO, _SEPARATE, _UNSIGNED, _PREMULTIPLIED = 0, 2, 1, 1
_WHITE = 65_535
_UNCOMPRESSED = 1  # TIFF 6.0, section 8: Compression
_DEEP = 16  # bits


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether its samples have more than 8 bits."""
    return max(_read_tag(image, _BITS, 1)) > 8  # noqa: PLR2004 - bits


def is_grey_with_alpha(image: ImageFile.ImageFile) -> bool:
    """Whether a deep TIFF that Pillow opened as RGBA is grey with alpha."""
    photometric = _read_tag(image, _PHOTOMETRIC, 2)[0]
    return is_deep(image) and image.mode == "RGBA" and photometric in (0, 1)


def decode_deep(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode a 16-bit TIFF: grey, BGR or BGRA with straight alpha.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: its samples are not unsigned 16-bit integers, or its mode is not
            supported.
    """
    _check(image)
    in_planes = _read_tag(image, _PLANAR, 1)[0] == _SEPARATE and image.mode in ("RGB", "RGBA")
    # OpenCV mixes up separate planes, and drops the alpha of grey.
    by_opencv = not in_planes and not is_grey_with_alpha(image)
    pixels = opencv.decode(data) if by_opencv else _decode_by_tifffile(image, data)
    if pixels.dtype != np.uint16:
        raise DamagedImageError(f"its header says 16 bits, but its pixels are {pixels.dtype}")
    if _read_tag(image, _PHOTOMETRIC, 1)[0] == _WHITE_IS_ZERO:
        colours = 3 if pixels.ndim > GREY else None
        pixels[..., :colours] = _WHITE - pixels[..., :colours]
    if pixels.ndim > GREY and pixels.shape[2] > 3:  # noqa: PLR2004 - BGR
        if not image.has_transparency_data:  # a fourth sample of unknown meaning
            return np.ascontiguousarray(pixels[:, :, :3])
        if _read_tag(image, _EXTRA, 0)[0] == _PREMULTIPLIED:
            return _unpremultiply(pixels)
    return pixels


def _check(image: ImageFile.ImageFile) -> None:
    bits, kind = set(_read_tag(image, _BITS, 1)), set(_read_tag(image, _FORMAT, _UNSIGNED))
    if bits != {_DEEP} or kind != {_UNSIGNED}:
        raise UnsupportedImageError(
            f"its samples have {max(bits)} bits and TIFF's sample format {max(kind)}; expected "
            "unsigned integers of 8 or 16 bits: convert it first"
        )
    if image.mode not in ("I;16", "I;16B", "I;16L", "RGB", "RGBA"):
        raise UnsupportedImageError(
            f"16-bit TIFF of mode {image.mode} is not supported: convert it to RGB or grey first"
        )


def _read_tag(image: ImageFile.ImageFile, tag: int, default: int) -> tuple[int, ...]:
    """Read the values of a tag; damaged ones become the default."""
    values: Any = getattr(image, "tag_v2", {}).get(tag, default)
    values = values if isinstance(values, tuple) and values else (values,)
    return tuple(value if isinstance(value, int) else default for value in values)


def _decode_by_tifffile(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode as BGR or BGRA, with the orientation applied."""
    turn = _read_tag(image, _ORIENTATION, 1)[0]
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page: Any = file.pages.first
            complete = _is_complete(page, data)
            samples = page.asarray() if complete else None
            planar = int(page.planarconfig or 1) == _SEPARATE
    # It raises many types; an unknown compression is one of its errors.
    except Exception as error:
        raise DamagedImageError(
            f"the file is damaged, or has an unusual 16-bit layout ({error}): save it with "
            "interleaved colours, uncompressed or with deflate"
        ) from error
    if samples is None:
        raise DamagedImageError("the file is truncated: a part of its pixels is missing")
    samples = np.moveaxis(samples, 0, 2) if planar else samples
    order = [0, 0, 0, 1] if is_grey_with_alpha(image) else [2, 1, 0, 3][: samples.shape[2]]
    return apply_orientation(samples[:, :, order], turn)


def _is_complete(page: Any, data: bytes) -> bool:
    """Whether every strip and tile is in the file; tifffile would fill in missing ones."""
    places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    inside = all(at > 0 and count > 0 and at + count <= len(data) for at, count in places)
    if int(page.compression) == _UNCOMPRESSED:
        return inside and sum(page.databytecounts) >= page.nbytes
    return inside


def _unpremultiply(pixels: Any) -> Any:
    """Divide colours by their alpha; TIFF 6.0, section 18."""
    alpha = pixels[:, :, 3:].astype(np.float32)
    colours = pixels[:, :, :3] * np.float32(_WHITE) / np.maximum(alpha, 1)
    whole = np.rint(np.minimum(colours, _WHITE)).astype(np.uint16)
    return np.concatenate([whole, pixels[:, :, 3:]], axis=2)
