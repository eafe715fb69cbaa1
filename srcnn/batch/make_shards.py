"""Group the images of a batch into shards, one task run each.

Thousands of task runs destabilise a Prefect server; shards keep their number small,
and each long enough that its overhead does not show.
"""

from __future__ import annotations

from collections.abc import Sequence

from srcnn.image_task import ImageTask

_MEGA = 1_000_000
_SHARDS_PER_PLACE = 4


def make_shards(
    tasks: Sequence[ImageTask], megapixels: float, images: int, places: int
) -> list[list[ImageTask]]:
    """Gather images into shards by output pixels, the largest images first.

    Args:
        tasks: images to process.
        megapixels: output that fills a shard; a larger image is a shard of its own.
        images: the most that a shard holds.
        places: where shards are worked on side by side; a small batch is cut finer, so that all
            have work.
    """
    total = sum(item.size_out.pixels for item in tasks) / _MEGA
    megapixels = min(megapixels, total / (places * _SHARDS_PER_PLACE))
    shards: list[list[ImageTask]] = []
    filled = 0.0
    for item in sorted(tasks, key=lambda item: (-item.size_out.pixels, item.source)):
        size = item.size_out.pixels / _MEGA
        if not shards or len(shards[-1]) >= images or filled + size > megapixels:
            shards.append([])
            filled = 0.0
        shards[-1].append(item)
        filled += size
    return shards
