"""Read the file of a source, and write that of its output, with what buckets store about them."""

from __future__ import annotations

from dataclasses import replace

from srcnn.errors import SourceChangedError, UnusableFileError
from srcnn.image_task import ImageTask
from srcnn.job import Job
from srcnn.storage.file_table import FileInfo
from srcnn.storage.object_metadata import NO_METADATA, ObjectMetadata

_GROWTH_BYTES = 2**20  # and twice its size: a picture may be replaced by another version


def read_source(job: Job, task: ImageTask) -> tuple[bytes, ObjectMetadata]:
    """Read a file, which may have grown since memory was counted for it.

    Returns:
        Its content, and what is stored about it if outputs take that over.

    Raises:
        SourceChangedError: it has grown too much.
        OSError: it cannot be read.
    """
    limit_bytes = 2 * task.info.size + _GROWTH_BYTES
    try:
        if not job.objects.copy_metadata or job.destination.local_path:
            return job.source.read(task.source, limit_bytes, task.info), NO_METADATA
        return job.source.read_with_metadata(task.source, limit_bytes, task.info)
    except UnusableFileError as error:
        raise SourceChangedError(
            f"it had {task.info.size} bytes when the run was planned ({error}): run again"
        ) from error


def write_output(job: Job, task: ImageTask, content: bytes, metadata: ObjectMetadata) -> FileInfo:
    """Write an output.

    Args:
        job: what all images share.
        task: the image.
        content: of its output's file.
        metadata: from `read_source`.

    Returns:
        The file as a listing has it.

    Raises:
        OSError: it cannot be written.
    """
    metadata = metadata.for_output(task.source, task.output)
    if job.objects.cache_control:
        metadata = replace(metadata, cache_control=job.objects.cache_control)
    return job.destination.write(task.output, content, metadata)
