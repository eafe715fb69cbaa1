"""Contact sheets: crops of a run's images, before and after, side by side in one picture.

Left of each pair is the source enlarged by bicubic interpolation, right the same region of the
output, pixel for pixel. What cannot be read is left out: a sheet never fails a run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.image_task import ImageResult
from srcnn.images.decoding import decode, read_header
from srcnn.images.pixels import GREY, Pixels
from srcnn.reporting.contact_sheet_layout import TILE_PX, draw
from srcnn.storage.folder import Folder
from srcnn.text import one_line

Bytes: TypeAlias = npt.NDArray[np.uint8]

# Reading images back costs traffic, memory and time: larger ones are left out, and of large
# ones there are fewer.
MOST_MEGAPIXELS = 64
MOST_MEGAPIXELS_IN_ALL = 128
_MEGA = 1_000_000
_GREY_LEVEL = 128  # behind transparent pixels
_STEPS = 16  # places, along each axis, at which a crop is tried


@dataclass(frozen=True)
class Pair:
    """One region of an image, twice.

    Attributes:
        before: enlarged from the source, (H, W, 3) uint8 BGR.
        after: cut from the output, of the same form.
    """

    before: Bytes
    after: Bytes


def draw_contact_sheet(
    source: Folder, destination: Folder, images: Sequence[ImageResult]
) -> bytes | None:
    """Draw images before and after.

    Args:
        source: where the sources are.
        destination: where the outputs are.
        images: those that `choose_images` chose.

    Returns:
        A JPEG; None where there is nothing to show.
    """
    pairs = [
        (pair, *_describe(image))
        for image in images
        for pair in _read_pair(source, destination, image)
    ]
    return draw([(p.before, p.after, name, size) for p, name, size in pairs]) if pairs else None


def choose_images(images: Sequence[ImageResult], count: int) -> list[ImageResult]:
    """Choose images that a sheet can show, evenly spread.

    Args:
        images: of a run; those that were not enlarged, or are too large, are left out.
        count: how many at the most; fewer where they are large.
    """
    fit = [image for image in images if image.status == "written" and _can_be_shown(image)]
    if not fit:
        return []
    mean = sum(image.size_out.pixels for image in fit if image.size_out) / len(fit)
    count = min(count, len(fit), max(1, int(MOST_MEGAPIXELS_IN_ALL * _MEGA / mean)))
    return [fit[(2 * number + 1) * len(fit) // (2 * count)] for number in range(count)]


def _can_be_shown(image: ImageResult) -> bool:
    if image.size_in is None or image.size_out is None or image.output is None:
        return False
    return image.size_in != image.size_out and image.size_out.pixels <= MOST_MEGAPIXELS * _MEGA


def _describe(image: ImageResult) -> tuple[str, str]:
    height, width = (f"{factor:.3g}" for factor in image.scale or (0.0, 0.0))
    factor = f"x{height}" if height == width else f"x{height} (height), x{width} (width)"
    sizes = [str(size) for size in (image.size_in, image.size_out) if size]
    return one_line(image.source), f"{factor}: {' -> '.join(sizes)} px"


def _read_pair(source: Folder, destination: Folder, image: ImageResult) -> Iterator[Pair]:
    """Return the pair of one image, or nothing."""
    if image.size_in is None or image.size_out is None or image.output is None:
        return
    try:
        before = _read_pixels(source.read(image.source), image.size_in)
        after = _read_pixels(destination.read(image.output), image.size_out)
    # The files may have been changed or removed since, by anyone and to anything.
    except Exception:  # noqa: BLE001 - a sheet shows what it can
        return
    if before is not None and after is not None:
        yield crop_pair(before, after)


def _read_pixels(data: bytes, size: Size) -> Pixels | None:
    if (
        read_header(io.BytesIO(data)).size != size
    ):  # known before memory is allocated for the pixels
        return None
    return decode(data).pixels


def crop_pair(source: Pixels, output: Pixels) -> Pair:
    """Cut the most detailed region that fills a tile, and enlarge the source's part of it.

    Args:
        source: a picture, of any depth.
        output: the same, enlarged.
    """
    (height, width), (height_out, width_out) = source.shape[:2], output.shape[:2]
    side_y = max(1, min(height, TILE_PX * height // height_out))
    side_x = max(1, min(width, TILE_PX * width // width_out))
    top, left = find_most_detailed(source, Size(side_y, side_x))
    y0, y1 = (round(y * height_out / height) for y in (top, top + side_y))
    x0, x1 = (round(x * width_out / width) for x in (left, left + side_x))
    before = to_screen(source[top : top + side_y, left : left + side_x])
    enlarged = cv2.resize(before, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    return Pair(np.asarray(enlarged, np.uint8), to_screen(output[y0:y1, x0:x1]))


def find_most_detailed(picture: Pixels, size: Size) -> tuple[int, int]:
    """Top and left of the region with the most edges and texture.

    Args:
        picture: of any depth.
        size: of the region; fits into the picture.
    """
    height, width = picture.shape[:2]
    tops = np.unique(np.linspace(0, height - size.height, _STEPS).astype(int))
    lefts = np.unique(np.linspace(0, width - size.width, _STEPS).astype(int))
    places = [(int(top), int(left)) for top in tops for left in lefts]
    return max(places, key=lambda at: _measure_detail(picture, at, size))


def _measure_detail(picture: Pixels, at: tuple[int, int], size: Size) -> float:
    """Variance of the Laplacian, a measure of focus: contrast would prefer two flat halves."""
    region = picture[at[0] : at[0] + size.height, at[1] : at[1] + size.width]
    green = region if region.ndim == GREY else region[:, :, 1]
    return float(cv2.Laplacian(np.ascontiguousarray(green), cv2.CV_32F).var())


def to_screen(picture: Pixels) -> Bytes:
    """Return a picture as a screen shows it: (H, W, 3) uint8 BGR, in front of grey.

    Args:
        picture: of any depth.
    """
    deep = picture.dtype == np.uint16
    levels = picture.astype(np.float32) / np.float32(257 if deep else 1)
    if levels.ndim == GREY:
        levels = np.repeat(levels[:, :, None], 3, axis=2)
    if levels.shape[2] > 3:  # noqa: PLR2004 - BGRA
        opaque = levels[:, :, 3:] / np.float32(255)
        levels = levels[:, :, :3] * opaque + _GREY_LEVEL * (1 - opaque)
    levels_8: Bytes = np.rint(levels).astype(np.uint8)
    return levels_8
