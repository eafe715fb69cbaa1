"""The orientation of the stored picture, whoever turns it upright: places in metadata follow it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import ImageFile

from srcnn.images.decoding.jxl import find_header
from srcnn.images.decoding.orientation import apply_orientation

_TIFF_TAG = 274  # TIFF 6.0, section 8
_ORIENTATIONS = range(1, 9)
_CORNERS = np.arange(4).reshape(2, 2)
_QUARTER = 90  # degrees
_LEFT_TO_RIGHT = 1


def find_stored_orientation(image: ImageFile.ImageFile, read: int) -> int:
    """Find the orientation of the stored picture; 1 if it is upright.

    Args:
        image: opened, not loaded.
        read: by `find_orientation`, for formats whose decoder does not apply it.
    """
    found: Any = read
    if image.format == "TIFF":
        found = getattr(image, "tag_v2", {}).get(_TIFF_TAG, 1)
    elif image.format == "HEIF":
        found = _read_heif(image)
    elif image.format == "JXL":
        found = find_header(image).orientation
    return int(found) if found in _ORIENTATIONS else 1


def _read_heif(image: ImageFile.ImageFile) -> int:
    """Put the rotations and mirrors together: ISO/IEC 23008-12, sections 6.5.10 and 6.5.12."""
    try:
        file: Any = image._heif_file  # type: ignore[attr-defined]  # noqa: SLF001 - pinned
        done = file[file.primary_index]._c_image.transformations  # noqa: SLF001 - as above
    except AttributeError:
        return 1
    corners: Any = _CORNERS
    for kind, *numbers in done:
        if kind == "irot":
            corners = np.rot90(corners, numbers[0] // _QUARTER)
        elif kind == "imir":
            corners = np.fliplr(corners) if numbers[0] == _LEFT_TO_RIGHT else np.flipud(corners)
    upright = (each for each in _ORIENTATIONS if _is(each, corners))
    return next(upright, 1)


def _is(orientation: int, corners: Any) -> bool:
    return np.array_equal(apply_orientation(_CORNERS, orientation), corners)
