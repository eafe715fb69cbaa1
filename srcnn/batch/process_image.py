"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from srcnn.batch.resources import WorkerResources
from srcnn.image_task import ImageTask
from srcnn.images.decoding import decode
from srcnn.images.encode import encode
from srcnn.images.formats import detect_format
from srcnn.images.picture import Picture
from srcnn.images.pixels import Pixels, has_alpha
from srcnn.images.prepare import PreparedImage, prepare
from srcnn.inference.shrink import NOTE, shrink
from srcnn.inference.upscaler import Upscaler
from srcnn.job import OutputOptions


@dataclass(frozen=True)
class EncodedImage:
    """An output.

    Attributes:
        content: of its file.
        notes: what was done to the image, for the report.
    """

    content: bytes
    notes: tuple[str, ...] = ()


def process_image(
    output: OutputOptions,
    resources: WorkerResources,
    task: ImageTask,
    data: bytes,
    raise_if_cancelled: Callable[[], None],
) -> EncodedImage:
    """Decode, prepare, upscale or shrink, and encode, on the cores; the calling thread waits.

    Args:
        output: what shapes the file.
        resources: of this process.
        task: the image.
        data: its file.
        raise_if_cancelled: called between steps and tiles; raises to drop the image.

    Raises:
        ImageError: the image is damaged, changed, or of a kind that is not handled.
    """
    if is_passthrough(output, task):
        resources.compute(decode, data, task.size_in)  # refuses a damaged file
        return EncodedImage(data)
    with _decode_and_prepare(output, resources, task, data) as prepared:
        image = _resize(prepared, resources, task, raise_if_cancelled)
    del prepared  # the source's pixels: encoding needs memory of its own
    raise_if_cancelled()
    content = resources.compute(encode, image, output.quality)
    raise_if_cancelled()
    return EncodedImage(content, image.notes)


def is_passthrough(output: OutputOptions, task: ImageTask) -> bool:
    """Whether the source's own file becomes the output, once it is known to be whole.

    Args:
        output: what shapes the files.
        task: the image.
    """
    same_format = detect_format(task.output) == detect_format(task.source)
    return task.copy and same_format and output.keep_metadata


@contextmanager
def _decode_and_prepare(
    output: OutputOptions, resources: WorkerResources, task: ImageTask, data: bytes
) -> Iterator[PreparedImage]:
    """Give the picture to upscale; refused here if its result could not be written."""
    if not task.is_shared:
        yield resources.compute(lambda: _prepare(output, task, decode(data, task.size_in)))
        return
    decode_once = partial(resources.compute, _decode_to_share, data, task)
    # All that share the picture hold the very same file.
    with resources.pictures.use(id(data), decode_once) as picture:
        yield resources.compute(_prepare, output, task, picture)


def _decode_to_share(data: bytes, task: ImageTask) -> Picture:
    picture = decode(data, task.size_in)
    picture.pixels.flags.writeable = False  # other images are made from it meanwhile
    return picture


def _prepare(output: OutputOptions, task: ImageTask, picture: Picture) -> PreparedImage:
    return prepare(
        picture,
        task.size_out,
        posixpath.splitext(task.output)[1],
        keep_metadata=output.keep_metadata,
        flatten=output.flatten,
    )


def _resize(
    image: PreparedImage,
    resources: WorkerResources,
    task: ImageTask,
    raise_if_cancelled: Callable[[], None],
) -> PreparedImage:
    if task.is_shrunk:
        return resources.compute(_shrink, image, task, raise_if_cancelled)
    return image if task.copy else _upscale(image, resources.upscaler, task, raise_if_cancelled)


def _shrink(
    image: PreparedImage, task: ImageTask, raise_if_cancelled: Callable[[], None]
) -> PreparedImage:
    pixels = shrink(image.pixels, task.size_out, raise_if_cancelled)
    return replace(image, pixels=pixels, notes=(*image.notes, NOTE))


def _upscale(
    image: PreparedImage,
    upscaler: Upscaler,
    task: ImageTask,
    raise_if_cancelled: Callable[[], None],
) -> PreparedImage:
    """Grey with alpha has three equal colour planes; one of them is computed."""
    upscale = partial(
        upscaler.upscale,
        size=task.size_out,
        quality=task.quality,
        raise_if_cancelled=raise_if_cancelled,
    )
    pixels = image.pixels
    if not (image.is_grey and has_alpha(pixels)):
        result = upscale(pixels)
        return replace(image, pixels=result.pixels, notes=(*image.notes, *result.notes))
    grey, notes = upscale(pixels[:, :, 2:])
    planes: Pixels = grey[:, :, [0, 0, 0, 1]]
    return replace(image, pixels=planes, notes=(*image.notes, *notes))
