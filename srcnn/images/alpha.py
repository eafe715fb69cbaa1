"""Transparency: colour under what cannot be seen, and pictures put on one colour.

Alpha is straight throughout, as PNG has it (PNG specification, section 12.4): a pixel's
colour is not multiplied with its alpha.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.images.colour import Colour
from srcnn.images.pixels import Pixels, has_alpha

# How far a transparent pixel may reach into what is seen, in pixels of the source at factor 1,
# where it is furthest: 6 through the network (9x9, 1x1, 5x5), 2 more through each of the two
# cubics, of colour and of alpha. The rest is for larger networks.
REACH_PX = 16
_STRIP_PIXELS = 1_000_000  # worked on at a time: up to 60 bytes for each are held meanwhile


def is_opaque(pixels: Pixels) -> bool:
    """Whether nothing of a picture shines through; its alpha channel, if any, says nothing."""
    return not has_alpha(pixels) or bool((pixels[:, :, -1] == np.iinfo(pixels.dtype).max).all())


def without(image: Pixels) -> Pixels:
    """The colours of a picture with alpha, (H, W, 3), as they stand."""
    colours: Pixels = image[:, :, :3].copy()
    return colours


def bleed(image: Pixels) -> Pixels:
    """Give the transparent pixels around what is seen the colour of the nearest seen pixel.

    Files hold anything there, black most often, and both the cubic and the network would
    draw it into the rim. The nearest colour continues the picture as its own border is
    continued, so that the rim sees no edge at all. Pixels of any alpha above zero keep their
    colour to the bit: alpha is straight, so that a faint pixel's colour is as true as another's.

    Three ways were measured on one core, 1 Mpx with 69 % of it transparent and 40 discs: a
    pull-push pyramid in floats took 121 ms and 16 bytes for each pixel and level; nearest by
    distances for every pixel 40 ms; this one, for what is in reach, 13 ms. Without a
    transparent pixel it is a look at the alpha channel.

    Args:
        image: (H, W, 4) BGRA or (H, W, 2) grey and alpha, uint8 or uint16; other pictures pass
            as they are.

    Returns:
        The picture itself where there is nothing to do, else a new one; alpha is the same.
    """
    if not has_alpha(image):
        return image
    seen = image[:, :, -1] != 0
    if seen.all() or not seen.any():
        return image
    packed: npt.NDArray[Any] = np.ascontiguousarray(image)  # a pixel's samples side by side
    result: Pixels = packed.copy()
    for read, keep in _strips_with_reach(*seen.shape):
        _bleed_strip(packed[read], seen[read], result[read], keep)
    return result


def strips(image: Pixels) -> Iterator[slice]:
    """Rows of a picture, some at a time, so that what is computed from them stays small."""
    rows = max(1, _STRIP_PIXELS // image.shape[1])
    return (slice(start, start + rows) for start in range(0, image.shape[0], rows))


def _strips_with_reach(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows to read, with what they need around them, and rows to write, counted from those."""
    around = 2 * REACH_PX  # the reach is a square; what is nearest in it may lie past its side
    rows = max(2 * around, _STRIP_PIXELS // width)
    for start in range(0, height, rows):
        first, end = max(0, start - around), min(height, start + rows)
        yield slice(first, end + around), slice(start - first, end - first)


def _bleed_strip(image: Pixels, seen: npt.NDArray[np.bool_], result: Pixels, keep: slice) -> None:
    side = 2 * REACH_PX + 1
    shown = seen.view(np.uint8)
    in_reach = cv2.dilate(shown, np.ones((side, side), dtype=np.uint8))[keep] > shown[keep]
    at = np.flatnonzero(in_reach)
    if not at.size:
        return
    # Labels count the seen pixels row by row, from 1.
    labels = cv2.distanceTransformWithLabels(
        1 - shown, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    nearest = np.flatnonzero(seen)[labels[keep].ravel()[at] - 1]
    # Pixels as one number each: four times as fast to gather.
    channels = image.shape[2]
    whole = np.dtype(f"V{channels * image.itemsize}")
    written = result[keep].reshape(-1, channels)
    written.view(whole)[at] = image.reshape(-1, channels).view(whole)[nearest]
    written[at, -1] = 0


def flatten(image: Pixels, colour: Colour) -> Pixels:
    """Put a picture on a colour, as a viewer shows it on a page of that colour.

    Computed on the values as they are encoded, like browsers, Pillow and ImageMagick do, and in
    the picture's own depth.

    Args:
        image: (H, W, 4) uint8 or uint16, BGRA.
        colour: of the background.

    Returns:
        (H, W, 3) BGR of the same depth.
    """
    white = np.iinfo(image.dtype).max
    # The product of two samples needs twice their bits.
    wide = np.dtype(np.uint16 if image.dtype == np.uint8 else np.uint32)
    page = np.array(colour[::-1], dtype=wide) * wide.type(white // 255)
    result: Pixels = np.empty((*image.shape[:2], 3), dtype=image.dtype)
    for rows in strips(image):
        strip: npt.NDArray[Any] = image[rows].astype(wide)
        alpha = strip[:, :, 3:]
        mixed = strip[:, :, :3] * alpha + page * (white - alpha)
        result[rows] = (mixed + white // 2) // white
    return result
