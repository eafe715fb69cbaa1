"""Choose the images that stand for all images of a plan.

Images are grouped by what makes a pixel dear: the output's format, the factor, the depth. In each
group they are drawn with a probability proportional to their work, systematically
(W. G. Cochran, Sampling Techniques, 1977, chapter 9A), so that the mean of the costs for each unit
of work is the group's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from srcnn.batch.process_image import is_passthrough
from srcnn.image_task import ImageTask
from srcnn.images.formats import detect_format
from srcnn.job import OutputOptions

MOST_IMAGES = 24
_MOST_GROUPS = 6
_FEWEST_PER_GROUP = 3
_OVERHEAD_PIXELS = 20_000  # what an image costs beside its pixels, as so many of them
_MOST_WHOLE_FACTOR = 8


class GroupKey(NamedTuple):
    """What images of a group have in common.

    Attributes:
        format: of the outputs.
        factor: whole factors by their number; others are alike. 0 for copies.
        pixel_bytes: of a decoded pixel.
    """

    format: str
    factor: str
    pixel_bytes: int


@dataclass(frozen=True)
class SampleGroup:
    """Images that cost alike, and those drawn from them.

    Attributes:
        count: of all its images.
        work: of all its images, in pixels; see `measure_work`.
        encoded_pixels: of its results, without those that are files of the source.
        picks: the images drawn, by work; one that stands for more work is in it more than once.
    """

    count: int
    work: int
    encoded_pixels: int
    picks: list[ImageTask]


@dataclass(frozen=True)
class Sample:
    """The images drawn from a plan.

    Attributes:
        groups: those with most work first.
        count: of all images of the plan.
        source_bytes: of all files that will be read.
        known_bytes: of those that become outputs as they are.
    """

    groups: list[SampleGroup]
    count: int
    source_bytes: int
    known_bytes: int

    @property
    def images(self) -> list[ImageTask]:
        """Each image drawn, once."""
        return list({task.output: task for group in self.groups for task in group.picks}.values())


def measure_work(task: ImageTask) -> int:
    """Return an image's work: the pixels computed, and some more for the image itself."""
    return task.work_pixels + _OVERHEAD_PIXELS


def choose_sample(
    tasks: Sequence[ImageTask], output: OutputOptions, most: int = MOST_IMAGES
) -> Sample:
    """Choose the images to measure.

    Args:
        tasks: the images to process.
        output: what shapes the files.
        most: images drawn, about.
    """
    found: dict[GroupKey, list[ImageTask]] = {}
    for task in tasks:
        found.setdefault(_find_key(task), []).append(task)
    groups = sorted(found.values(), key=_sum_work, reverse=True)
    rare = [task for group in groups[_MOST_GROUPS - 1 :] for task in group]
    groups = [*groups[: _MOST_GROUPS - 1], *([rare] if rare else [])]
    total = sum(map(_sum_work, groups))
    shares = [max(_FEWEST_PER_GROUP, most * _sum_work(group) // total) for group in groups]
    return Sample(
        [_draw(group, output, share) for group, share in zip(groups, shares, strict=True)],
        len(tasks),
        sum(task.info.size for task in tasks),
        sum(task.info.size for task in tasks if is_passthrough(output, task)),
    )


def _find_key(task: ImageTask) -> GroupKey:
    form = detect_format(task.output) or ""
    if task.copy:
        return GroupKey(form, "0", task.pixel_bytes)
    if task.is_shrunk:
        return GroupKey(form, "shrunk", task.pixel_bytes)
    (height, width), (height_out, width_out) = task.size_in, task.size_out
    factors = (height_out // height, width_out // width)
    is_whole = task.size_out == (height * factors[0], width * factors[1])
    is_one_graph = is_whole and max(factors) <= _MOST_WHOLE_FACTOR
    return GroupKey(form, "x".join(map(str, factors)) if is_one_graph else "", task.pixel_bytes)


def _draw(tasks: list[ImageTask], output: OutputOptions, count: int) -> SampleGroup:
    """Draw images by their work; all of them if they are as few."""
    ordered = sorted(tasks, key=lambda task: (measure_work(task), task.source))
    total = _sum_work(tasks)
    picks = ordered
    if len(ordered) > count:
        picks, ends = [], list(accumulate(map(measure_work, ordered)))
        place = 0
        for number in range(count):
            while ends[place] * 2 * count <= (2 * number + 1) * total:
                place += 1
            picks.append(ordered[place])
    encoded = (task.size_out.pixels for task in tasks if not is_passthrough(output, task))
    return SampleGroup(len(tasks), total, sum(encoded), picks)


def _sum_work(tasks: Sequence[ImageTask]) -> int:
    return sum(map(measure_work, tasks))
