"""ICC profiles: what the numbers of a picture mean as colours.

Knows Pillow's littleCMS, which computes in 8 bits.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from srcnn.images.alpha import strips
from srcnn.images.pixels import GREY, Pixels

_SPACE = slice(16, 20)  # ICC.1, section 7.2.6
_STEPS = np.arange(0, 256, 17, dtype=np.uint8)


def fits(profile: bytes, *, grey: bool) -> bool:
    """Whether a profile is for pixels of this kind; one of CMYK is not for what became RGB."""
    return profile[_SPACE] == (b"GRAY" if grey else b"RGB ")


def to_srgb(image: Pixels, profile: bytes) -> Pixels | None:
    """The same colours as sRGB, which is how pixels without a profile are shown.

    Args:
        image: a picture; its alpha stays as it is.
        profile: its own; a damaged one is taken as sRGB, as viewers do.

    Returns:
        A picture of the same kind, the same one where the profile is sRGB in all but name;
        None where this cannot be done: 16 bits.
    """
    grey = image.ndim == GREY
    if not fits(profile, grey=grey):
        return image
    transform = _transform(profile, grey=grey)
    if transform is None or _changes_nothing(transform, grey=grey):
        return image
    if image.dtype != np.uint8:
        return None
    result = image.copy()
    for rows in strips(image):
        strip = result[rows]
        (strip if grey else strip[:, :, :3])[:] = _applied(transform, strip)
    return result


@lru_cache(8)
def _transform(profile: bytes, *, grey: bool) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            io.BytesIO(profile), ImageCms.createProfile("sRGB"), "L" if grey else "RGB", "RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, *, grey: bool) -> bool:
    """Whether a grid of colours comes out within one level, which is rounding."""
    cube = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(-1, 16, 3)
    probe = np.ascontiguousarray(cube[:, :, 0] if grey else cube)
    return int(np.abs(_applied(transform, probe).astype(int) - probe).max()) <= 1


def _applied(
    transform: ImageCms.ImageCmsTransform, pixels: npt.NDArray[Any]
) -> npt.NDArray[np.uint8]:
    """Grey or the three colours of a picture, converted."""
    if pixels.ndim == GREY:
        converted = ImageCms.applyTransform(Image.fromarray(pixels), transform)
        return np.asarray(converted)[:, :, 1]  # three times the same grey
    colours = Image.fromarray(np.ascontiguousarray(pixels[:, :, 2::-1]))
    return np.asarray(ImageCms.applyTransform(colours, transform))[:, :, ::-1]
