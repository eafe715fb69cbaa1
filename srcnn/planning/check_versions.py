"""Outputs whose listed version is not the recorded one, and images without any version.

Some servers list no ETags, or others than they give for one object. Then an output seems to have
changed although its size has not, and would be made again in every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from srcnn.destination.ledger import Record
from srcnn.planning.select_images import RequestedImage
from srcnn.planning.up_to_date import Fingerprint
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.listing import read_infos


def check_versions(
    images: Sequence[RequestedImage],
    fingerprint: Fingerprint,
    existing: FileTable,
    records: Mapping[str, Record],
    destination: Folder,
) -> FileTable:
    """Ask for the versions of outputs that differ from their records in nothing else.

    Args:
        images: the images.
        fingerprint: of the job.
        existing: the destination's files, as listed.
        records: of the ledger, by output.
        destination: holds the outputs.

    Returns:
        The destination's files, with the versions that were asked for.

    Raises:
        OSError: the destination cannot be read.
    """
    doubtful = [
        image.output
        for image in images
        if (record := records.get(image.output))
        and (found := existing.get(image.output))
        and record.output_info != found
        and record.output_info.size == found.size
        and fingerprint.matches(record, image)
    ]
    return existing.replace(read_infos(destination.info, doubtful))


def describe_unproven(
    images: Sequence[RequestedImage],
    fingerprint: Fingerprint,
    existing: FileTable,
    records: Mapping[str, Record],
) -> list[str]:
    """Describe why images are made again although nothing changed their source, as warnings.

    Args:
        images: those that will be made again.
        fingerprint: of the job.
        existing: the destination's files.
        records: of the ledger, by output.
    """
    without_version = replaced = 0
    for image in images:
        record, found = records.get(image.output), existing.get(image.output)
        if record is None or found is None:
            continue
        if not (image.info.version and found.version):
            without_version += 1
        elif record.output_info != found and fingerprint.matches(record, image):
            replaced += 1
    warnings = []
    if without_version:
        warnings.append(
            f"the storage gives neither an ETag nor a time for {without_version} images or their "
            "outputs, so a change could not be noticed: they are made again, in every run"
        )
    if replaced:
        warnings.append(
            f"{replaced} outputs are not as they were written: their size or version differs from "
            "the ledger's. They are made again"
        )
    return warnings
