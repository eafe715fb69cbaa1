"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from srcnn.batch.resources import Workshop
from srcnn.geometry import Size
from srcnn.images.decoding import decode
from srcnn.images.encode import encode, prepare
from srcnn.images.formats import Picture, format_of
from srcnn.images.pixels import Pixels, has_alpha
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Job, Work

# Bytes of a decoded pixel, at the most: colours, alpha, and their depth.
_PIXEL_BYTES = {"jpg": 3, "webp": 4, "bmp": 4, "gif": 4}
_LARGEST_PIXEL_BYTES = 8


@dataclass(frozen=True)
class Made:
    """An output.

    Attributes:
        content: its file.
        notes: what was done to the picture's colours, for the report.
    """

    content: bytes
    notes: tuple[str, ...] = ()


def held_bytes(work: Work) -> int:
    """Memory that an image in hand takes at the most, besides the tiles that are computed.

    Its file and its result, and first the source's pixels, then the file of the result. The
    pixels are no more than the result's; its file may be half as large again, as noise in LZW.

    Args:
        work: the image.
    """
    pixel_bytes = _PIXEL_BYTES.get(format_of(work.source) or "", _LARGEST_PIXEL_BYTES)
    return work.info.size + work.size_out.pixels * pixel_bytes * 5 // 2


def make(job: Job, workshop: Workshop, work: Work, data: bytes, check: Callable[[], None]) -> Made:
    """Decode, upscale and encode, on the workshop's cores; the calling thread waits.

    Args:
        job: what all images share.
        workshop: of this process.
        work: the image.
        data: its file.
        check: called now and then; raises to drop the image.

    Raises:
        ImageError: the image is damaged, changed, or of a kind that is not handled.
    """
    picture = workshop.compute(_decoded, job, work, data)
    if _goes_as_it_is(job, work):
        return Made(data)
    if not work.copy:
        larger = _larger(picture, workshop.upscaler, work.size_out, check)
        picture = replace(picture, pixels=larger)
    check()
    encoded = workshop.compute(_encoded, job, work, picture)
    check()
    return Made(encoded, picture.notes)


def _decoded(job: Job, work: Work, data: bytes) -> Picture:
    """The picture, as it will be upscaled; refused here if its result could not be written."""
    picture = decode(data, work.size_in)
    if _goes_as_it_is(job, work):
        return picture
    extension, keep = posixpath.splitext(work.output)[1], job.keep_metadata
    return prepare(picture, work.size_out, extension, keep_metadata=keep, flatten=job.flatten)


def _goes_as_it_is(job: Job, work: Work) -> bool:
    """Whether the source's own file is the output, once it is known to be whole."""
    same_format = format_of(work.output) == format_of(work.source)
    return work.copy and same_format and job.keep_metadata


def _larger(picture: Picture, upscaler: Upscaler, size: Size, check: Callable[[], None]) -> Pixels:
    """Upscale; grey with alpha has three equal planes, of which one is computed."""
    if not (picture.is_grey and has_alpha(picture.pixels)):
        return upscaler.to_size(picture.pixels, size, check)
    grey = upscaler.to_size(picture.pixels[:, :, 2:], size, check)
    planes: Pixels = grey[:, :, [0, 0, 0, 1]]
    return planes


def _encoded(job: Job, work: Work, picture: Picture) -> bytes:
    extension, keep = posixpath.splitext(work.output)[1], job.keep_metadata
    return encode(picture, extension, job.quality, keep_metadata=keep, flatten=job.flatten)
