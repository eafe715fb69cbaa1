"""One image from the bytes of its file to the bytes of its output."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable
from dataclasses import replace

from srcnn.decoding import decode, read_header
from srcnn.encoding import encode, prepare
from srcnn.errors import SourceChangedError
from srcnn.images import format_of
from srcnn.upscaler import Upscaler
from srcnn.work import Job, Work


def make(job: Job, upscaler: Upscaler, work: Work, data: bytes, check: Callable[[], None]) -> bytes:
    """Decode, upscale and encode.

    Args:
        job: what all images share.
        upscaler: the job's.
        work: the image.
        data: its file.
        check: called now and then; raises to drop the image.

    Returns:
        The output's file.

    Raises:
        ImageError: the image is damaged, changed, or of a kind that is not handled.
    """
    size = read_header(io.BytesIO(data)).size
    if size != work.size_in:  # seen before the pixels are given memory
        raise SourceChangedError(f"it had {work.size_in} px when the run was planned, now {size}")
    picture = decode(data)
    if work.copy and format_of(work.output) == format_of(work.source) and job.keep_metadata:
        return data
    extension = posixpath.splitext(work.output)[1]
    keep, flatten = job.keep_metadata, job.flatten
    picture = prepare(picture, work.size_out, extension, keep_metadata=keep, flatten=flatten)
    if not work.copy:
        pixels = upscaler.to_size(picture.pixels, work.size_out, check)
        picture = replace(picture, pixels=pixels)
    encoded = encode(picture, extension, job.quality, keep_metadata=keep, flatten=flatten)
    check()
    return encoded
