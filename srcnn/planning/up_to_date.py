"""Which images are up to date: by the ledger, and by the files of the destination."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from posixpath import splitext

from srcnn.destination.ledger import Record
from srcnn.geometry import is_large_enough, measure_scale
from srcnn.image_task import ImageResult
from srcnn.job import Job
from srcnn.planning.select_images import Overwrite, RequestedImage
from srcnn.storage.file_table import FileInfo


class Fingerprint:
    """Everything beside the source's file that decides an output's bytes, for one job.

    Texts and digests that many images share are computed once.
    """

    def __init__(self, job: Job) -> None:
        """Compute nothing yet.

        Args:
            job: what all images share.
        """
        self._model = job.model.sha256
        self._follows_quality = job.model.graph.quality is not None
        self._scale_text = lru_cache(str)
        # A name before the extension, or it would be the name itself.
        self._options = lru_cache(lambda extension: job.digest_options(f"x{extension}"))

    def matches(self, record: Record, image: RequestedImage) -> bool:
        """Whether the job would make the recorded output again."""
        return (
            is_same_file(record.source_info, image.info)
            and record.scale == self._scale_text(image.scale)
            and record.options == self._options(splitext(image.output)[1])
            and record.model == self._model
            and self._has_same_quality(record, image)
        )

    def _has_same_quality(self, record: Record, image: RequestedImage) -> bool:
        """Whether the output has the image's quality, or is the same at every quality."""
        if not self._follows_quality or is_large_enough(record.size_in, image.scale):
            return True
        return record.quality == image.quality.choose(record.file_quality)


def is_same_file(recorded: FileInfo, found: FileInfo) -> bool:
    """Whether size and version prove that a file has not changed."""
    return recorded == found and bool(found.version)


def skip_if_current(
    image: RequestedImage,
    fingerprint: Fingerprint,
    overwrite: Overwrite,
    existing: Mapping[str, FileInfo],
    records: Mapping[str, Record],
) -> ImageResult | None:
    """Return the result of an image that need not be processed; None if it must be.

    Args:
        image: the image.
        fingerprint: of the job.
        overwrite: when an existing output is written again.
        existing: the destination's files.
        records: of the ledger, by output.
    """
    record = records.get(image.output)
    found = existing.get(image.output)
    if overwrite == "always" or found is None:
        return None
    current = (
        record is not None
        and is_same_file(record.output_info, found)
        and record.source == image.source
    )
    if overwrite == "changed" and not (
        record is not None and current and fingerprint.matches(record, image)
    ):
        return None
    if record is None or not current:
        return ImageResult(image.source, image.output, "skipped")
    scale = measure_scale(record.size_in, record.size_out)
    sizes = (record.size_in, record.size_out)
    return ImageResult(image.source, image.output, "skipped", scale, *sizes, quality=record.quality)
