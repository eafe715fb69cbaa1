"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from srcnn.batch.resources import WorkerResources
from srcnn.errors import ImageTooLargeError
from srcnn.image_task import ImageTask
from srcnn.images.decoding import decode
from srcnn.images.encode import encode
from srcnn.images.formats import detect_format
from srcnn.images.pixels import Pixels, has_alpha
from srcnn.images.prepare import PreparedImage, prepare
from srcnn.inference.shrink import NOTE, shrink
from srcnn.inference.upscaler import Upscaler
from srcnn.job import OutputOptions

_MEGA = 1_000_000
# For each pixel of the result, and for each byte of such a pixel, with colours at full resolution.
_ENCODER_BYTES = {"avif": (40, 0), "jxl": (32, 5)}


@dataclass(frozen=True)
class EncodedImage:
    """An output.

    Attributes:
        content: of its file.
        notes: what was done to the image, for the report.
    """

    content: bytes
    notes: tuple[str, ...] = ()


def estimate_peak_bytes(task: ImageTask) -> int:
    """Memory that an image in progress takes at the most, besides the tiles that are computed.

    Its file and its result, and first the source's pixels, then the output's file, which may be
    half as large again as the result, as noise in LZW; the encoders of AVIF and JPEG XL take more.
    Decoding may take more than both, for a result that is hardly larger than its source.

    Args:
        task: the image.
    """
    source_bytes, result_bytes = (
        size.pixels * task.pixel_bytes for size in (task.size_in, task.size_out)
    )
    each, for_byte = _ENCODER_BYTES.get(detect_format(task.output) or "", (0, 0))
    encoder_bytes = task.size_out.pixels * (each + for_byte * task.pixel_bytes)
    return task.info.size + max(
        task.decoding_bytes,
        source_bytes + result_bytes,
        result_bytes * 5 // 2,
        result_bytes + encoder_bytes,
    )


def check_memory(task: ImageTask, resources: WorkerResources) -> None:
    """Refuse an image that would take the memory of the whole process.

    Args:
        task: the image.
        resources: of this process, with what one image may take.

    Raises:
        ImageTooLargeError: it may take more.
    """
    pixels = task.size_in.pixels + task.size_out.pixels
    for needed_bytes, limit_bytes, setting in (
        (estimate_peak_bytes(task), resources.image_bytes, "SRCNN_BUFFER_MEGABYTES"),
        (
            task.info.size + pixels * task.pixel_bytes,
            resources.upscaling_bytes,
            "SRCNN_TILES_MEGABYTES",
        ),
    ):
        if needed_bytes > limit_bytes:
            raise ImageTooLargeError(
                f"it takes up to {needed_bytes // _MEGA} MB of memory, more than the "
                f"{limit_bytes // _MEGA} MB that this process has for an image: give the process "
                f"more memory, or lower {setting}"
            )


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
    image = resources.compute(_decode_and_prepare, output, task, data)
    if task.is_shrunk:
        image = resources.compute(_shrink, image, task, raise_if_cancelled)
    elif not task.copy:
        image = _upscale(image, resources.upscaler, task, raise_if_cancelled)
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


def _decode_and_prepare(output: OutputOptions, task: ImageTask, data: bytes) -> PreparedImage:
    """Return the picture to upscale; refused here if its result could not be written."""
    return prepare(
        decode(data, task.size_in),
        task.size_out,
        posixpath.splitext(task.output)[1],
        keep_metadata=output.keep_metadata,
        flatten=output.flatten,
    )


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
