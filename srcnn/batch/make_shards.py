"""Group the images of a batch into shards, one task run each.

Thousands of task runs destabilise a Prefect server; shards keep their number small,
and each long enough that its overhead does not show. Towards the end they become smaller, so that
all workers end at about the same time (guided self-scheduling: Polychronopoulos and Kuck, 1987).
"""

from __future__ import annotations

from collections.abc import Sequence

from srcnn.image_task import ImageTask

_MEGA = 1_000_000
_SHARE = 2  # a shard is at most the share 1 / (_SHARE * places) of what remains
_SMALLEST_SHARE = 32  # and at least 1 / (_SMALLEST_SHARE * places) of all


def make_shards(
    tasks: Sequence[ImageTask], megapixels: float, images: int, places: int
) -> list[list[ImageTask]]:
    """Gather images into shards by the pixels to compute, the largest images first.

    Args:
        tasks: images to process.
        megapixels: that fill a shard; a larger image is a shard of its own.
        images: the most that a shard holds.
        places: where shards are worked on side by side.
    """
    total = remaining = sum(item.work_pixels for item in tasks)
    smallest = total / (places * _SMALLEST_SHARE)
    shards: list[list[ImageTask]] = []
    filled = limit = 0.0
    for item in sorted(tasks, key=_get_order):
        if not shards or len(shards[-1]) >= images or filled + item.work_pixels > limit:
            shards.append([])
            filled = 0.0
            limit = min(megapixels * _MEGA, max(remaining / (places * _SHARE), smallest))
        shards[-1].append(item)
        filled += item.work_pixels
        remaining -= item.work_pixels
    return shards


def _get_order(task: ImageTask) -> tuple[int, int, str]:
    """Sort by work, and put files with the same bytes into one shard, mostly."""
    return -task.work_pixels, task.info.size, task.source
