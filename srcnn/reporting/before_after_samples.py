"""Samples of a run's images, before and after, read back for its contact sheet and its page.

Before is the source enlarged by bicubic interpolation, after is the same region of the output,
pixel for pixel. What cannot be read is left out: samples never fail a run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from srcnn.geometry import Size
from srcnn.image_task import ImageResult
from srcnn.images.decoding import decode, read_header
from srcnn.images.pixels import Pixels
from srcnn.printable_text import one_line
from srcnn.reporting.crops import Pair, crop_pair
from srcnn.runtime.cores import measure_image_memory
from srcnn.source_quality import is_clean
from srcnn.storage.folder import Folder

# Reading images back costs traffic, memory and time: larger ones are left out, and of large
# ones there are fewer.
MOST_MEGAPIXELS = 64
MOST_MEGAPIXELS_IN_ALL = 128
TILE_PX = 240  # side of a crop in the sheet
VIEW_PX = 480  # side of a crop in the page
_MEGA = 1_000_000


@dataclass(frozen=True)
class Sample:
    """An image of a run, to be shown before and after.

    Attributes:
        name: its key in the source, in a visible line.
        about: factor, quality and sizes, in a line.
        tile: a crop of at most TILE_PX a side.
        view: a crop of at most VIEW_PX a side.
    """

    name: str
    about: str
    tile: Pair
    view: Pair


def choose_images(images: Sequence[ImageResult], count: int) -> list[ImageResult]:
    """Choose images that can be shown, evenly spread.

    Args:
        images: of a run; those that were copied or made smaller, or are too large, are left out.
        count: how many at the most; fewer where they are large.
    """
    fit = [image for image in images if image.status == "written" and _can_be_shown(image)]
    if not fit:
        return []
    mean = sum(image.size_out.pixels for image in fit if image.size_out) / len(fit)
    count = min(count, len(fit), max(1, int(MOST_MEGAPIXELS_IN_ALL * _MEGA / mean)))
    return [fit[(2 * number + 1) * len(fit) // (2 * count)] for number in range(count)]


def read_samples(
    source: Folder, destination: Folder, images: Sequence[ImageResult]
) -> list[Sample]:
    """Read images before and after, and cut what is shown of them.

    Args:
        source: where the sources are.
        destination: where the outputs are.
        images: those that `choose_images` chose.
    """
    return [sample for image in images for sample in _read_sample(source, destination, image)]


def _can_be_shown(image: ImageResult) -> bool:
    if image.size_in is None or image.size_out is None or image.output is None:
        return False
    is_copy = image.size_in == image.size_out and is_clean(image.quality)
    is_shrunk = image.size_out.pixels < image.size_in.pixels
    return not (is_copy or is_shrunk) and image.size_out.pixels <= MOST_MEGAPIXELS * _MEGA


def _describe(image: ImageResult) -> str:
    height, width = (f"{factor:.3g}" for factor in image.scale or (0.0, 0.0))
    factor = f"x{height}" if height == width else f"x{height} (height), x{width} (width)"
    quality = "" if is_clean(image.quality) else f", q{image.quality:g}"
    sizes = [str(size) for size in (image.size_in, image.size_out) if size]
    return f"{factor}{quality}: {' -> '.join(sizes)} px"


def _read_sample(source: Folder, destination: Folder, image: ImageResult) -> Iterator[Sample]:
    """Return the sample of one image, or nothing."""
    if image.size_in is None or image.size_out is None or image.output is None:
        return
    try:
        limit_bytes = measure_image_memory()
        before = _read_pixels(source.read(image.source), image.size_in, limit_bytes)
        if before is None:
            return
        left_bytes = limit_bytes - before.nbytes
        after = _read_pixels(destination.read(image.output), image.size_out, left_bytes)
    # The files may have been changed or removed since, by anyone and to anything.
    except Exception:  # noqa: BLE001 - what can be read is shown
        return
    if after is not None:
        tile, view = (crop_pair(before, after, side_px) for side_px in (TILE_PX, VIEW_PX))
        yield Sample(one_line(image.source), _describe(image), tile, view)


def _read_pixels(data: bytes, size: Size, limit_bytes: int) -> Pixels | None:
    """Return pixels, if they are as expected and fit in memory, which their header says."""
    header = read_header(io.BytesIO(data))
    if header.size != size or header.decoding_bytes + len(data) > limit_bytes:
        return None
    return decode(data).pixels
