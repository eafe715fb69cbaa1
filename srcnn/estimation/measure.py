"""Measure a sample: the steps of the batch, on all cores, in memory.

Each group is measured in some rounds, of different images. How far they differ says how sure the
estimate is: it covers both the images and the machine.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from srcnn.batch.worker import get_resources
from srcnn.estimation.choose_sample import MOST_IMAGES, Sample
from srcnn.estimation.read_sample import fetch_images
from srcnn.estimation.time_sample import IMAGES_PER_CORE, MeasuredGroup, RoundRunner
from srcnn.image_task import Failure
from srcnn.job import Job

_BUDGET_SECONDS = 8.0
_SHARE_OF_RUN = 0.5  # no longer than this part of the run that is estimated
_ROUNDS = 3
_ASSUMED_PIXELS_PER_SECOND = 1_500_000  # of a core; only for the size of the parts
_FEWEST_PIXELS, _MOST_PIXELS = 250_000, 2_000_000


@dataclass(frozen=True)
class Measurement:
    """What a sample took.

    Attributes:
        groups: of the sample, in its order.
        failures: images that cannot be processed, by source, with the reason.
        images: that were tried.
        seconds: the measurement took.
        read_files: files that were read.
        read_bytes: of these files.
        read_seconds: for these, if they were read one after the other.
        transfers: files that a run reads at a time.
    """

    groups: list[MeasuredGroup]
    failures: dict[str, Failure]
    images: int
    seconds: float
    read_files: int
    read_bytes: int
    read_seconds: float
    transfers: int


def measure_sample(job: Job, sample: Sample) -> Measurement:
    """Read, decode, upscale and encode the images of a sample; nothing is written.

    Args:
        job: what all images share.
        sample: of the plan.

    Raises:
        ModelError: the model cannot serve.
    """
    started = time.monotonic()
    resources, threads = get_resources(job), job.inference.thread_count
    size = _choose_part_pixels(len(sample.groups), threads)
    fetched = {
        image.task.output: image
        for image in fetch_images(job.source, resources, sample.images, size)
    }
    runner = RoundRunner(job.output, resources, threads, fetched)
    groups = [
        runner.encode(group, _ROUNDS, started + _BUDGET_SECONDS / 2 * number / len(sample.groups))
        for number, group in enumerate(sample.groups, start=1)
    ]
    budget_seconds = math.inf  # of the first round, without which nothing is known
    for number in range(_ROUNDS):
        for group, measured in zip(sample.groups, groups, strict=True):
            if time.monotonic() - started < budget_seconds:
                runner.measure(group, number, _ROUNDS, measured)
        budget_seconds = min(_BUDGET_SECONDS, _SHARE_OF_RUN * _expect_seconds(sample, groups))
    read = [image for image in fetched.values() if image.read_bytes]
    return Measurement(
        groups,
        {fetched[output].task.source: failure for output, failure in runner.failures.items()},
        len(fetched) - len(runner.left_out),
        time.monotonic() - started,
        len(read),
        sum(image.read_bytes for image in read),
        sum(image.seconds for image in read),
        job.limits.transfers,
    )


def _expect_seconds(sample: Sample, groups: list[MeasuredGroup]) -> float:
    return sum(
        measured.rounds[-1].seconds / measured.rounds[-1].work * group.work
        for group, measured in zip(sample.groups, groups, strict=True)
        if measured.rounds
    )


def _choose_part_pixels(groups: int, threads: int) -> int:
    """Return the most pixels of a result, so that all takes about the time there is."""
    images = MOST_IMAGES + max(MOST_IMAGES, groups * _ROUNDS * IMAGES_PER_CORE * threads)
    pixels = int(_BUDGET_SECONDS * _ASSUMED_PIXELS_PER_SECOND * threads / images)
    return min(max(pixels, _FEWEST_PIXELS), _MOST_PIXELS)
