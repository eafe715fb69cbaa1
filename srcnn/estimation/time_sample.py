"""Process images of a sample side by side, as the batch does, and take the time."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from srcnn.batch.image_memory import estimate_peak_bytes
from srcnn.batch.memory_gate import GateHolder
from srcnn.batch.process_image import EncodedImage, is_passthrough, process_image
from srcnn.batch.resources import WorkerResources
from srcnn.estimation.choose_sample import SampleGroup, measure_work
from srcnn.estimation.read_sample import FetchedImage
from srcnn.image_task import Failure, ImageTask
from srcnn.job import OutputOptions

IMAGES_PER_CORE = 2  # the fewest of a round, or its end would leave cores idle for long
_WORK_PER_CORE = 500_000  # pixels; less would take no time to speak of


@dataclass(frozen=True)
class Round:
    """Images processed side by side.

    Attributes:
        seconds: until the last one was done.
        work: of all of them, in pixels.
    """

    seconds: float
    work: int


@dataclass(frozen=True)
class OutputSize:
    """The file of an image's result.

    Attributes:
        pixels: of the result.
        content_bytes: of the file.
        is_part: whether it is of a part of the image.
    """

    pixels: int
    content_bytes: int
    is_part: bool


@dataclass
class MeasuredGroup:
    """What a group of the sample took.

    Attributes:
        rounds: in the order of time, each with images of its own.
        outputs: of each pick that was processed.
    """

    rounds: list[Round] = field(default_factory=list)
    outputs: list[OutputSize] = field(default_factory=list)


class RoundRunner:
    """Runs rounds on the cores of this process; nothing is written.

    Attributes:
        left_out: outputs of images for which there was no time.
        failures: images that cannot be processed, by output, with the reason.
    """

    def __init__(
        self,
        output: OutputOptions,
        resources: WorkerResources,
        threads: int,
        fetched: Mapping[str, FetchedImage],
    ) -> None:
        """Start with the images that could be read.

        Args:
            output: what shapes the files.
            resources: of this process.
            threads: that compute.
            fetched: images of the sample, by output.
        """
        self._output = output
        self._resources = resources
        self._threads = threads
        self._fetched = fetched
        self.left_out: set[str] = set()
        self.failures = {name: image.failure for name, image in fetched.items() if image.failure}

    def encode(self, group: SampleGroup, rounds: int, until: float) -> MeasuredGroup:
        """Process each image once; what fails, or has no time left, is left out of the rounds.

        Sessions are built here, and threads started, so no time is taken.

        Args:
            group: the group.
            rounds: in all; images of one are begun together.
            until: no image but the first is begun later, by the monotonic clock.

        Returns:
            The group with its outputs, and no rounds yet.
        """
        order = [task for number in range(rounds) for task in group.picks[number::rounds]]
        images = list({image.task.output: image for image in self._select(order)}.values())
        sizes: dict[str, OutputSize] = {}
        limits = [math.inf] + [until] * len(images)
        for image, encoded in zip(images, self._process(images, limits), strict=True):
            output = image.task.output
            if encoded is None:
                self.left_out.add(output)
                continue
            if isinstance(encoded, Failure):
                self.failures[output] = encoded
                continue
            if not is_passthrough(self._output, image.task):
                sizes[output] = OutputSize(
                    image.task.size_out.pixels, len(encoded.content), image.is_part
                )
        return MeasuredGroup(
            outputs=[sizes[task.output] for task in group.picks if task.output in sizes]
        )

    def measure(
        self, group: SampleGroup, number: int, rounds: int, measured: MeasuredGroup
    ) -> None:
        """Measure a group's next round; none of its images may be fit for it.

        Args:
            group: the group.
            number: of the round, from 0.
            rounds: in all.
            measured: takes the round.
        """
        images = self._select(group.picks[number::rounds] or group.picks)
        if not images:
            return
        work = sum(measure_work(image.task) for image in images)
        wanted = min(_WORK_PER_CORE * self._threads, group.work)
        repeats = max(
            math.ceil(IMAGES_PER_CORE * self._threads / len(images)), math.ceil(wanted / work)
        )
        started = time.monotonic()
        self._process(images * repeats, itertools.repeat(math.inf))
        measured.rounds.append(Round(time.monotonic() - started, work * repeats))

    def _select(self, picks: Sequence[ImageTask]) -> list[FetchedImage]:
        known = [task.output for task in picks if task.output not in self.failures]
        return [self._fetched[output] for output in known if output not in self.left_out]

    def _process(
        self, images: Sequence[FetchedImage], limits: Iterable[float]
    ) -> list[EncodedImage | Failure | None]:
        return list(self._resources.io_threads.map(self._process_one, images, limits))

    def _process_one(self, image: FetchedImage, until: float) -> EncodedImage | Failure | None:
        try:
            with GateHolder() as holder:
                holder.advance(self._resources.decode_gate, estimate_peak_bytes(image.task))
                if time.monotonic() > until:
                    return None
                return process_image(
                    self._output, self._resources, image.task, image.data, lambda: None
                )
        # As in a run: whatever an image does to the libraries that process it, it fails alone.
        except Exception as error:  # noqa: BLE001 - reported
            return Failure.from_error(error)
