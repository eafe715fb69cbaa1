"""Which images need not be made again: by the record, and by what lies in the destination."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from posixpath import splitext

from srcnn.destination.ledger import Record
from srcnn.job import Job, Outcome, scale_of
from srcnn.planning.selection import Selection, Wish
from srcnn.storage.listing import FileInfo


class Making:
    """How this job makes outputs; texts and digests that many of them share are made once."""

    def __init__(self, job: Job) -> None:
        """Read nothing yet.

        Args:
            job: what all images share.
        """
        self._model = job.model_sha256
        self._precision = job.precision
        self._text = lru_cache(str)
        # A name before the ending, or it would be the name itself.
        self._options = lru_cache(lambda ending: job.options_digest(f"x{ending}"))

    def made(self, record: Record, wish: Wish) -> bool:
        """Whether it would make again what was recorded."""
        return (
            record.source_info == wish.info
            and record.scale == self._text(wish.scale)
            and record.options == self._options(splitext(wish.output)[1])
            and record.model == self._model
            and record.precision == self._precision
        )


def skipped(
    wish: Wish,
    making: Making,
    selection: Selection,
    existing: Mapping[str, FileInfo],
    records: Mapping[str, Record],
) -> Outcome | None:
    """The outcome of an image that need not be made again; None where it must be.

    Args:
        wish: the image.
        making: how it would be made.
        selection: what is made again.
        existing: the destination's files.
        records: of what was made, by output.
    """
    record = records.get(wish.output)
    found = existing.get(wish.output)
    if selection.overwrite == "always" or found is None:
        return None
    current = record is not None and record.output_info == found and record.source == wish.source
    if selection.overwrite == "changed" and not (
        record is not None and current and making.made(record, wish)
    ):
        return None
    if record is None or not current:
        return Outcome(wish.source, wish.output, "skipped")
    scale = scale_of(record.size_in, record.size_out)
    return Outcome(wish.source, wish.output, "skipped", scale, record.size_in, record.size_out)
