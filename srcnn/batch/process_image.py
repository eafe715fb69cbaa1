"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from srcnn.batch.resources import WorkerResources
from srcnn.geometry import Size
from srcnn.image_task import ImageTask
from srcnn.images.decoding import decode
from srcnn.images.encode import encode
from srcnn.images.formats import detect_format
from srcnn.images.pixels import Pixels, has_alpha
from srcnn.images.prepare import PreparedImage, prepare
from srcnn.inference.upscaler import Upscaler
from srcnn.job import OutputOptions

# Bytes of a decoded pixel, at the most: colours, alpha, and their depth.
_PIXEL_BYTES = {"jpg": 3, "webp": 4, "bmp": 4, "gif": 4}
_LARGEST_PIXEL_BYTES = 8


@dataclass(frozen=True)
class EncodedImage:
    """An output.

    Attributes:
        content: of its file.
        notes: what was done to the image's colours, for the report.
    """

    content: bytes
    notes: tuple[str, ...] = ()


def estimate_peak_bytes(task: ImageTask) -> int:
    """Memory that an image in progress takes at the most, besides the tiles that are computed.

    Its file and its result, and first the source's pixels, then the output's file. The source has
    no more pixels than the result; the output's file may be half as large again, as noise in LZW.

    Args:
        task: the image.
    """
    pixel_bytes = _PIXEL_BYTES.get(detect_format(task.source) or "", _LARGEST_PIXEL_BYTES)
    return task.info.size + task.size_out.pixels * pixel_bytes * 5 // 2


def process_image(
    output: OutputOptions,
    resources: WorkerResources,
    task: ImageTask,
    data: bytes,
    raise_if_cancelled: Callable[[], None],
) -> EncodedImage:
    """Decode, prepare, upscale and encode, on the cores; the calling thread waits.

    Args:
        output: what shapes the file.
        resources: of this process.
        task: the image.
        data: its file.
        raise_if_cancelled: called between steps and tiles; raises to drop the image.

    Raises:
        ImageError: the image is damaged, changed, or of a kind that is not handled.
    """
    if _is_passthrough(output, task):
        resources.compute(decode, data, task.size_in)  # refuses a damaged file
        return EncodedImage(data)
    image = resources.compute(_decode_and_prepare, output, task, data)
    if not task.copy:
        image = _upscale(image, resources.upscaler, task.size_out, raise_if_cancelled)
    raise_if_cancelled()
    content = resources.compute(encode, image, output.quality)
    raise_if_cancelled()
    return EncodedImage(content, image.notes)


def _is_passthrough(output: OutputOptions, task: ImageTask) -> bool:
    """Whether the source's own file becomes the output, once it is known to be whole."""
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


def _upscale(
    image: PreparedImage, upscaler: Upscaler, size: Size, raise_if_cancelled: Callable[[], None]
) -> PreparedImage:
    """Grey with alpha has three equal colour planes; one of them is computed."""
    pixels = image.pixels
    if not (image.is_grey and has_alpha(pixels)):
        return replace(image, pixels=upscaler.to_size(pixels, size, raise_if_cancelled))
    grey = upscaler.to_size(pixels[:, :, 2:], size, raise_if_cancelled)
    planes: Pixels = grey[:, :, [0, 0, 0, 1]]
    return replace(image, pixels=planes)
