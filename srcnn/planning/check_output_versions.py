"""Outputs whose listed version is not the recorded one, and images without any version.

Some servers list no ETags, or others than they give for one object. Then an output seems to have
changed although its size has not, and would be made again in every run.
"""

from __future__ import annotations

import pyarrow as pa

from srcnn.planning.up_to_date import Comparison, Mask
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import decode_keys
from srcnn.storage.listing import read_infos


def check_versions(comparison: Comparison, existing: FileTable, destination: Folder) -> FileTable:
    """Ask for the versions of outputs that differ from their records in nothing else.

    Args:
        comparison: of all images.
        existing: the destination's files, as listed.
        destination: holds the outputs.

    Returns:
        The destination's files, with the versions that were asked for.

    Raises:
        OSError: the destination cannot be read.
    """
    is_doubtful = comparison.compare_sizes() & ~comparison.compare_versions()
    if not is_doubtful.any():
        return existing
    is_doubtful &= comparison.compare_making()
    rows = pa.array(comparison.image_rows[is_doubtful])
    doubtful = decode_keys(comparison.images.outputs.take(rows))
    if not doubtful:
        return existing
    is_remote = destination.local_path is None
    return existing.replace(read_infos(destination.info, doubtful, is_remote=is_remote))


def describe_unproven(comparison: Comparison, is_up_to_date: Mask) -> list[str]:
    """Describe why images are made again although nothing changed their source, as warnings.

    Args:
        comparison: of all images.
        is_up_to_date: (N,) the images that will not be made again.
    """
    is_made = ~is_up_to_date[comparison.image_rows]
    if not is_made.any():
        return []
    has_versions = comparison.have_versions() & comparison.have_source_versions()
    without_version = int((is_made & ~has_versions).sum())
    same_file = comparison.compare_sizes() & comparison.compare_versions()
    replaced = int((is_made & has_versions & ~same_file & comparison.compare_making()).sum())
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
