"""ICC profiles: which ones fit a picture, and conversion to sRGB.

Uses littleCMS through Pillow, which computes in 8 bits.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from srcnn.images.pixels import GREY, Pixels, strips

_SPACE = slice(16, 20)  # ICC.1, section 7.2.6
# ICC.1, sections 7.2 and 7.3: a header, a count of tags, and for each its name and place.
_SMALLEST_BYTES, _TAG = 132, struct.Struct(">4sII")
_ALIGNED_VERSION, _LARGEST_INTENT = 4, 0xFFFF
_STEPS = np.arange(0, 256, 17, dtype=np.uint8)


def is_readable(profile: bytes) -> bool:
    """Whether a profile is whole, by what libpng asks of those that it writes.

    Args:
        profile: bytes behind its end are ignored.
    """
    size, tags = int.from_bytes(profile[:4]), int.from_bytes(profile[128:_SMALLEST_BYTES])
    table = profile[_SMALLEST_BYTES : _SMALLEST_BYTES + 12 * tags]
    return (
        _SMALLEST_BYTES + 12 * tags <= size <= len(profile)
        and (size % 4 == 0 or profile[8] < _ALIGNED_VERSION)
        and profile[36:40] == b"acsp"
        and profile[12:16] not in (b"abst", b"link")
        and profile[20:24] in (b"XYZ ", b"Lab ")
        and int.from_bytes(profile[64:68]) < _LARGEST_INTENT
        and all(start + length <= size for _, start, length in _TAG.iter_unpack(table))
    )


def cut_to_size(profile: bytes) -> bytes:
    """Return a readable profile without the bytes behind its end."""
    return profile[: int.from_bytes(profile[:4])]


def fits(profile: bytes, *, grey: bool) -> bool:
    """Whether a profile is for grey or RGB pixels; a CMYK profile is for neither."""
    return profile[_SPACE] == (b"GRAY" if grey else b"RGB ")


def to_srgb(image: Pixels, profile: bytes) -> Pixels | None:
    """Convert colours to sRGB, which viewers assume for pixels without a profile.

    Args:
        image: a picture; its alpha is not changed.
        profile: of the picture; a damaged one is taken as sRGB, as viewers do.

    Returns:
        A picture of the same kind; the same object if the profile is equivalent to sRGB;
        None if it cannot be converted, because it has 16 bits.
    """
    grey = image.ndim == GREY
    if not fits(profile, grey=grey):
        return image
    transform = _build_transform(profile, grey=grey)
    if transform is None or _is_identity(transform, grey=grey):
        return image
    if image.dtype != np.uint8:
        return None
    result = image.copy()
    for rows in strips(image):
        strip = result[rows]
        (strip if grey else strip[:, :, :3])[:] = _apply(transform, strip)
    return result


@lru_cache(8)
def _build_transform(profile: bytes, *, grey: bool) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            io.BytesIO(profile), ImageCms.createProfile("sRGB"), "L" if grey else "RGB", "RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform, *, grey: bool) -> bool:
    """Whether a grid of colours changes by one level at most, which is rounding."""
    cube = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(-1, 16, 3)
    probe = np.ascontiguousarray(cube[:, :, 0] if grey else cube)
    return int(np.abs(_apply(transform, probe).astype(int) - probe).max()) <= 1


def _apply(
    transform: ImageCms.ImageCmsTransform, pixels: npt.NDArray[Any]
) -> npt.NDArray[np.uint8]:
    """Convert grey, or the three colours of a picture."""
    if pixels.ndim == GREY:
        converted = ImageCms.applyTransform(Image.fromarray(pixels), transform)
        return np.asarray(converted)[:, :, 1]  # all three planes are equal
    colours = Image.fromarray(np.ascontiguousarray(pixels[:, :, 2::-1]))
    return np.asarray(ImageCms.applyTransform(colours, transform))[:, :, ::-1]
