"""Shards: complete, bounded, and smaller towards the end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from srcnn.batch.make_shards import make_shards
from srcnn.geometry import Size
from srcnn.image_task import ImageTask
from srcnn.parse_scale import to_scale
from srcnn.storage.file_table import FileInfo


def make_task(index: int, pixels: int) -> ImageTask:
    size = Size(pixels, 1)
    info = FileInfo(1, "v")
    return ImageTask(f"{index:05}", f"{index:05}", to_scale(1), info, size, size)


def make_tasks(pixels: list[int]) -> list[ImageTask]:
    return [make_task(index, each) for index, each in enumerate(pixels)]


def count_pixels(shard: list[ImageTask]) -> int:
    return sum(task.size_out.pixels for task in shard)


@given(
    st.lists(st.integers(1, 3_000_000), max_size=200),
    st.floats(0.1, 5),
    st.integers(1, 20),
    st.integers(1, 8),
)
def test_each_image_is_in_one_shard_and_no_shard_is_too_large(
    pixels: list[int], megapixels: float, images: int, places: int
) -> None:
    tasks = make_tasks(pixels)
    shards = make_shards(tasks, megapixels, images, places)
    assert sorted(task.source for shard in shards for task in shard) == [
        task.source for task in tasks
    ]
    for shard in shards:
        assert 1 <= len(shard) <= images
        assert len(shard) == 1 or count_pixels(shard) <= megapixels * 1_000_000


def test_shards_become_smaller_so_that_all_workers_end_together() -> None:
    shards = make_shards(make_tasks([1000] * 640), 64, 200, places=2)
    assert [len(shard) for shard in shards] == [
        *(160, 120, 90, 67, 50, 38, 28, 21, 16, 12),
        *(10, 10, 10, 8),
    ]


def test_images_of_one_source_follow_each_other() -> None:
    """A large one, and small ones of the same source, beside sources of all sizes between."""
    others = make_tasks([1000 * number for number in range(1, 100)])
    sizes = [replace(make_task(50, pixels), is_shared=True) for pixels in (10, 90_000, 1000)]
    shards = make_shards([*others[:50], *others[51:], *sizes], 64, 200, places=1)
    ordered = [task for shard in shards for task in shard]
    first = ordered.index(sizes[1])
    assert ordered[first : first + 3] == [sizes[1], sizes[2], sizes[0]]
    assert first == len([task for task in others if task.work_pixels > 90_000])


def test_images_of_one_source_are_in_one_shard_but_for_its_limit() -> None:
    few = [replace(make_task(0, 1_000_000), is_shared=True, output=str(each)) for each in range(5)]
    assert [len(shard) for shard in make_shards(few, 1, 200, places=8)] == [5]
    assert [len(shard) for shard in make_shards(few, 1, 2, places=8)] == [2, 2, 1]


def test_many_images_make_few_shards() -> None:
    shards = make_shards(make_tasks([1_000_000] * 6400), 64, 200, places=2)
    assert len(shards) < 6400 / 64 + 20


def test_an_image_larger_than_a_shard_is_one() -> None:
    shards = make_shards(make_tasks([3_000_000] + [500_000] * 8), 1, 200, places=1)
    assert [len(shard) for shard in shards] == [1, 2, 2, 2, 1, 1]
