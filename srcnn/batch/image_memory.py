"""How much memory an image takes; one that would take all of the process is refused."""

from __future__ import annotations

from srcnn.batch.resources import WorkerResources
from srcnn.errors import ImageTooLargeError
from srcnn.image_task import ImageTask
from srcnn.images.formats import detect_format

_MEGA = 1_000_000
# For each pixel of the result, and for each byte of such a pixel, with colours at full resolution.
_ENCODER_BYTES = {"avif": (40, 0), "jxl": (32, 5)}


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
