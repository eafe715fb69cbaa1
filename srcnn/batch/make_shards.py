"""Group the images of a batch into shards, one task run each.

Thousands of task runs destabilise a Prefect server; shards keep their number small,
and each long enough that its overhead does not show. Towards the end they become smaller, so that
all workers end at about the same time (guided self-scheduling: Polychronopoulos and Kuck, 1987).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from srcnn.image_task import ImageTask

_MEGA = 1_000_000
_SHARE = 2  # a shard is at most the share 1 / (_SHARE * places) of what remains
_SMALLEST_SHARE = 32  # and at least 1 / (_SMALLEST_SHARE * places) of all


def make_shards(
    tasks: Sequence[ImageTask], megapixels: float, images: int, places: int
) -> list[list[ImageTask]]:
    """Gather images into shards by the pixels to compute, the largest images first.

    Images of one source stay together, so that it is read once (`srcnn.batch.shared_sources`).

    Args:
        tasks: images to process.
        megapixels: that fill a shard; a larger image, or those of one source, are a shard of
            their own.
        images: the most that a shard holds.
        places: where shards are worked on side by side.
    """
    total = remaining = sum(item.work_pixels for item in tasks)
    largest = _find_largest(tasks)
    smallest = total / (places * _SMALLEST_SHARE)
    shards: list[list[ImageTask]] = []
    filled = limit = 0.0
    for item in sorted(tasks, key=lambda task: _get_order(task, largest)):
        is_full = filled + item.work_pixels > limit and not _continues(shards, item)
        if not shards or len(shards[-1]) >= images or is_full:
            shards.append([])
            filled = 0.0
            limit = min(megapixels * _MEGA, max(remaining / (places * _SHARE), smallest))
        shards[-1].append(item)
        filled += item.work_pixels
        remaining -= item.work_pixels
    return shards


def _find_largest(tasks: Sequence[ImageTask]) -> dict[str, int]:
    """Return the pixels of the largest image of each source that several are made from."""
    largest: dict[str, int] = {}
    for task in tasks:
        if task.is_shared:
            largest[task.source] = max(task.work_pixels, largest.get(task.source, 0))
    return largest


def _continues(shards: Sequence[Sequence[ImageTask]], task: ImageTask) -> bool:
    return bool(shards) and task.is_shared and shards[-1][-1].source == task.source


def _get_order(task: ImageTask, largest: Mapping[str, int]) -> tuple[int, int, str, int]:
    """Sort by work; images of one source, and files with the same bytes, are neighbours, mostly."""
    work_pixels = largest.get(task.source, task.work_pixels)
    return -work_pixels, task.info.size, task.source, -task.work_pixels
