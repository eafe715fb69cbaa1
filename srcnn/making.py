"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from srcnn.decoding import decode
from srcnn.encoding import encode, prepare
from srcnn.geometry import Size
from srcnn.images import Picture, format_of
from srcnn.pixels import Pixels, has_alpha
from srcnn.upscaler import Upscaler
from srcnn.work import Job, Work


@dataclass(frozen=True)
class Made:
    """An output.

    Attributes:
        content: its file.
        notes: what was done to the picture's colours, for the report.
    """

    content: bytes
    notes: tuple[str, ...] = ()


def make(job: Job, upscaler: Upscaler, work: Work, data: bytes, check: Callable[[], None]) -> Made:
    """Decode, upscale and encode.

    Args:
        job: what all images share.
        upscaler: the job's.
        work: the image.
        data: its file.
        check: called now and then; raises to drop the image.

    Raises:
        ImageError: the image is damaged, changed, or of a kind that is not handled.
    """
    picture = decode(data, work.size_in)
    if work.copy and format_of(work.output) == format_of(work.source) and job.keep_metadata:
        return Made(data)
    extension = posixpath.splitext(work.output)[1]
    keep, flatten = job.keep_metadata, job.flatten
    picture = prepare(picture, work.size_out, extension, keep_metadata=keep, flatten=flatten)
    if not work.copy:
        picture = replace(picture, pixels=_larger(picture, upscaler, work.size_out, check))
    encoded = encode(picture, extension, job.quality, keep_metadata=keep, flatten=flatten)
    check()
    return Made(encoded, picture.notes)


def _larger(picture: Picture, upscaler: Upscaler, size: Size, check: Callable[[], None]) -> Pixels:
    """Upscale; grey with alpha has three equal planes, of which one is computed."""
    if not (picture.is_grey and has_alpha(picture.pixels)):
        return upscaler.to_size(picture.pixels, size, check)
    grey = upscaler.to_size(picture.pixels[:, :, 2:], size, check)
    planes: Pixels = grey[:, :, [0, 0, 0, 1]]
    return planes
