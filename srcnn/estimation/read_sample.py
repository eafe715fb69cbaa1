"""Read the images of a sample, and keep of large ones a part that is quick to upscale."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2

from srcnn.batch.image_memory import check_memory, estimate_peak_bytes
from srcnn.batch.memory_gate import GateHolder
from srcnn.batch.resources import WorkerResources
from srcnn.geometry import Size
from srcnn.image_task import Failure, ImageTask
from srcnn.images.decoding import decode
from srcnn.storage.folder import Folder

_GROWTH_BYTES = 2**20
_MIDDLE = 0.5
# Parts are taken from places that are spread evenly over the images, as these numbers spread
# them (M. Roberts, The unreasonable effectiveness of quasirandom sequences, 2018).
_STEPS = (0.7548776662, 0.5698402910)


@dataclass(frozen=True)
class FetchedImage:
    """An image of a sample, in memory.

    Attributes:
        task: of the image, or of a part of it.
        data: its file; a part is a PNG.
        seconds: that reading took.
        read_bytes: of the source's file.
        failure: why it cannot be processed; None if it can.
        is_part: whether it is a part.
    """

    task: ImageTask
    data: bytes = b""
    seconds: float = 0.0
    read_bytes: int = 0
    failure: Failure | None = None
    is_part: bool = False


def fetch_images(
    source: Folder, resources: WorkerResources, tasks: Sequence[ImageTask], most_pixels: int
) -> list[FetchedImage]:
    """Read and decode images, as many at a time as a run does.

    Args:
        source: where they are.
        resources: of this process.
        tasks: the images.
        most_pixels: to compute, about; of larger images, a part is taken, of each at another place.
    """
    call = partial(_fetch, source, resources, most_pixels)
    return list(resources.io_threads.map(call, tasks, range(len(tasks))))


def _fetch(
    source: Folder, resources: WorkerResources, most_pixels: int, task: ImageTask, number: int
) -> FetchedImage:
    try:
        check_memory(task, resources)
        with GateHolder() as holder:
            holder.advance(resources.read_gate, task.info.size)
            started = time.monotonic()
            data = source.read(task.source, 2 * task.info.size + _GROWTH_BYTES, task.info)
            seconds = time.monotonic() - started
            holder.advance(resources.decode_gate, estimate_peak_bytes(task))
            part, content = resources.compute(_take_part, task, data, most_pixels, number)
    # As in a run: whatever an image does to the libraries that read it, it fails alone.
    except Exception as error:  # noqa: BLE001 - reported
        return FetchedImage(task, failure=Failure.from_error(error))
    return FetchedImage(part, content, seconds, len(data), is_part=part is not task)


def _take_part(
    task: ImageTask, data: bytes, most_pixels: int, number: int
) -> tuple[ImageTask, bytes]:
    """Return the whole image, or a part of it with the same factors."""
    pixels = decode(data, task.size_in).pixels  # refuses a damaged file
    if task.work_pixels <= most_pixels:
        return task, data
    shrink = math.sqrt(most_pixels / task.work_pixels)
    size_in = Size(*(max(1, int(length * shrink)) for length in task.size_in))
    top, left = (
        int((whole - length) * ((_MIDDLE + number * step) % 1))
        for whole, length, step in zip(task.size_in, size_in, _STEPS, strict=True)
    )
    part = pixels[top : top + size_in.height, left : left + size_in.width]
    size_out = _scale(size_in, task.size_in, task.size_out)
    size_model = task.size_model and _scale(size_in, task.size_in, task.size_model)
    content = cv2.imencode(".png", part)[1].tobytes()
    info = replace(task.info, size=len(content))
    part_task = replace(task, info=info, size_in=size_in, size_out=size_out, size_model=size_model)
    return part_task, content


def _scale(part: Size, whole: Size, whole_out: Size) -> Size:
    """Return the size of what becomes of a part, if that of the whole has a size."""
    return Size(
        *(
            max(1, length * after // before)
            for length, before, after in zip(part, whole, whole_out, strict=True)
        )
    )
