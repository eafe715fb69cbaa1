"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable

from srcnn.decoding import decode, read_header
from srcnn.errors import SourceChangedError
from srcnn.images import Picture, encode, format_of
from srcnn.work import Job, Work
from srcnn.workshop import Workshop

# Bytes of a decoded pixel, at the most: colours, alpha, and their depth.
_PIXEL_BYTES = {"jpg": 3, "webp": 4, "bmp": 4}
_LARGEST_PIXEL_BYTES = 8


def held_bytes(work: Work) -> int:
    """Memory that an image in hand takes at the most, besides the tiles that are computed.

    Its file and its result, and first the source's pixels, then the file of the result. The
    pixels are no more than the result's; its file may be half as large again, as noise in LZW.

    Args:
        work: the image.
    """
    pixel_bytes = _PIXEL_BYTES.get(format_of(work.source) or "", _LARGEST_PIXEL_BYTES)
    return work.info.size + work.size_out.pixels * pixel_bytes * 5 // 2


def make(job: Job, workshop: Workshop, work: Work, data: bytes, check: Callable[[], None]) -> bytes:
    """Decode, upscale and encode, on the workshop's cores; the calling thread waits.

    Args:
        job: what all images share.
        workshop: of this process.
        work: the image.
        data: its file.
        check: called now and then; raises to drop the image.

    Returns:
        The output's file.

    Raises:
        ImageError: the image is damaged, changed, or of a kind that is not handled.
    """
    picture = workshop.compute(_decoded, work, data)
    if work.copy and format_of(work.output) == format_of(work.source) and job.keep_metadata:
        return data
    if not work.copy:
        pixels = workshop.upscaler.to_size(picture.pixels, work.size_out, check)
        picture = Picture(pixels, picture.metadata)
    check()
    encoded = workshop.compute(_encoded, job, work, picture)
    check()
    return encoded


def _decoded(work: Work, data: bytes) -> Picture:
    size = read_header(io.BytesIO(data)).size
    if size != work.size_in:  # seen before the pixels are given memory
        raise SourceChangedError(f"it had {work.size_in} px when the run was planned, now {size}")
    return decode(data)


def _encoded(job: Job, work: Work, picture: Picture) -> bytes:
    extension = posixpath.splitext(work.output)[1]
    return encode(picture, extension, job.quality, keep_metadata=job.keep_metadata)
