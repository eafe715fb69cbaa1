"""Decode HEIC (HEIF with HEVC) in its own depth by libheif, through pillow-heif.

ISO/IEC 23008-12. Rotations, mirrors, crops and grids are applied by libheif. The primary image is
read; thumbnails, depth maps and further images are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.alpha import divide_by_alpha
from srcnn.images.decoding.avif_boxes import Limit, list_boxes
from srcnn.images.decoding.opencv import UNDECODABLE
from srcnn.images.pixels import GREY, scale_samples

_GAIN_MAP = "gainmap"  # in the types of Apple's and of ISO 21496-1
_GREY_WITH_ALPHA = 2  # samples of a pixel


def open_file(file: Any) -> ImageFile.ImageFile:
    """Read the header of a HEIC, of the primary image, without decoding it.

    The reader is not registered with Pillow, which would ask it about every AVIF of the process.

    Args:
        file: at its start.
    """
    from pillow_heif import HeifImageFile  # noqa: PLC0415 - of an extra

    reader: Callable[[Any], ImageFile.ImageFile] = HeifImageFile
    return reader(file)


def decode(data: bytes) -> Any:
    """Decode the primary image: grey, BGR or BGRA, upright; 10 and 12 bits are scaled to 16.

    Args:
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: it is a sequence of frames.
    """
    import pillow_heif  # noqa: PLC0415 - of an extra

    if any(kind == b"moov" for kind, _, _ in list_boxes(data, 0, len(data), Limit())):
        raise UnsupportedImageError("it is a sequence of frames: save it as a single image")
    pillow_heif.options.DECODE_THREADS = 1  # the process has a pool of threads for all images
    try:
        file = pillow_heif.open_heif(
            data, convert_hdr_to_8bit=False, bgr_mode=True, hdr_to_16bit=False
        )
        image: Any = file[file.primary_index]
        pixels: Any = np.asarray(image)
    # libheif's errors are of many types: OSError, ValueError, RuntimeError.
    except Exception as error:
        raise DamagedImageError(f"the file is truncated or damaged: {UNDECODABLE}") from error
    if pixels.dtype == np.uint16:
        pixels = scale_samples(pixels, 2 ** image.info["bit_depth"] - 1, np.uint16)
    if image.premultiplied_alpha:
        pixels = divide_by_alpha(pixels)
    if pixels.ndim > GREY and pixels.shape[2] == _GREY_WITH_ALPHA:
        return np.ascontiguousarray(pixels[:, :, [0, 0, 0, 1]])
    return pixels


def list_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Describe what of a file is not kept.

    Args:
        image: opened by `open_file`.
    """
    kinds = image.info.get("aux") or {}
    has_gain_map = any(_GAIN_MAP in str(kind).lower() for kind in kinds)
    return ("a gain map (HDR) is not kept",) if has_gain_map else ()
