"""Which images are measured for all: of each kind, by their work, and no more than are of use."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from srcnn.estimation.choose_sample import MOST_IMAGES, choose_sample, measure_work
from srcnn.geometry import Size
from srcnn.image_task import ImageTask
from srcnn.job import OutputOptions
from srcnn.parse_scale import parse_scale
from srcnn.storage.file_table import FileInfo


def make_task(
    number: int, side: int = 100, form: str = "png", factor: int = 2, *, copy: bool = False
) -> ImageTask:
    name = f"{number:05}.{form}"
    size_in = Size(side, side)
    size_out = Size(side * factor, side * factor)
    info = FileInfo(1000, "v")
    return ImageTask(name, name, parse_scale("2"), info, size_in, size_out, copy=copy)


tasks = st.lists(
    st.builds(
        make_task,
        number=st.integers(0, 99999),
        side=st.integers(1, 5000),
        form=st.sampled_from(["png", "jpg", "webp", "tif", "avif"]),
        factor=st.integers(1, 5),
        copy=st.booleans(),
    ),
    max_size=120,
    unique_by=lambda task: task.source,
)


@given(tasks)
def test_groups_account_for_every_image(images: list[ImageTask]) -> None:
    sample = choose_sample(images, OutputOptions())
    assert sample.count == sum(group.count for group in sample.groups) == len(images)
    assert sum(group.work for group in sample.groups) == sum(map(measure_work, images))
    encoded = sum(task.size_out.pixels for task in images if not task.copy)
    assert sum(group.encoded_pixels for group in sample.groups) == encoded
    assert sample.known_bytes == sum(task.info.size for task in images if task.copy)
    assert sample.source_bytes == 1000 * len(images)


@given(tasks)
def test_a_sample_is_bounded_and_from_every_group(images: list[ImageTask]) -> None:
    sample = choose_sample(images, OutputOptions())
    assert len(sample.groups) <= 6
    assert all(group.picks for group in sample.groups)
    assert len(sample.images) <= MOST_IMAGES + 3 * len(sample.groups)
    assert {task.source for task in sample.images} <= {task.source for task in images}


def test_few_images_are_all_measured() -> None:
    images = [make_task(number, side) for number, side in enumerate([10, 2000, 3])]
    assert {task.source for task in choose_sample(images, OutputOptions()).images} == {
        task.source for task in images
    }


def test_an_image_that_is_most_of_the_work_counts_as_such() -> None:
    images = [make_task(number) for number in range(100)] + [make_task(100, 5000)]
    (group,) = choose_sample(images, OutputOptions()).groups
    assert [task.source for task in group.picks].count("00100.png") > MOST_IMAGES // 2


def test_formats_factors_and_copies_are_kinds() -> None:
    images = [
        make_task(number, form=form, factor=factor, copy=factor == 1)
        for number, (form, factor) in enumerate(
            [("png", 2), ("png", 3), ("jpg", 2), ("png", 1)] * 5
        )
    ]
    assert [group.count for group in choose_sample(images, OutputOptions()).groups] == [5] * 4


def test_nothing_to_choose_from() -> None:
    assert choose_sample([], OutputOptions()).images == []
