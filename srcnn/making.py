"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from srcnn.decoding import decode
from srcnn.images import Picture, encode, format_of
from srcnn.pixels import GREY, Pixels, grey_of
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
    if not work.copy:
        pixels = upscaler.to_size(picture.pixels, work.size_out, check)
        picture = replace(picture, pixels=_as_grey(picture, pixels))
    extension = posixpath.splitext(work.output)[1]
    encoded = encode(picture, extension, job.quality, keep_metadata=job.keep_metadata)
    check()
    return Made(encoded, picture.notes)


def _as_grey(picture: Picture, upscaled: Pixels) -> Pixels:
    """Grey with alpha has equal planes after the network as well, which tints each a little."""
    if picture.is_grey and upscaled.ndim > GREY:
        upscaled[:, :, :3] = grey_of(upscaled[:, :, :3])[:, :, None]
    return upscaled
