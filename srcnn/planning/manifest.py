"""A manifest: the list of a run's images, in place of a listing of the source.

CSV, JSON Lines or Parquet with a column `path`, or an S3 Inventory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from srcnn.graphs.graph_interface import GraphInterface
from srcnn.planning.manifest_rows import ListedChoice, read_listed_rows
from srcnn.planning.s3_inventory import is_inventory, read_inventory
from srcnn.planning.scales_file import Choices, Resolved, describe_ignored_qualities
from srcnn.storage.bounded_reads import TEXT_LIMIT_BYTES
from srcnn.storage.file_table import FileTable, sort_rows
from srcnn.storage.files import read_file
from srcnn.storage.folder import Folder


@dataclass(frozen=True)
class Manifest:
    """The files that a run is about; the last row of each counts.

    Attributes:
        files: the version is empty, and the size 0, where the manifest does not say.
        choices: (N,) int32, index of what is asked for of each.
        given: what is asked for, by that index.
        warnings: of rows that were left out.
    """

    files: FileTable
    choices: pa.Array
    given: Sequence[ListedChoice]
    warnings: Sequence[str] = ()


def read_manifest(source: Folder, url: str) -> Manifest:
    """Read the manifest of a run.

    Args:
        source: that it lists files of.
        url: of the manifest.

    Raises:
        UsageError: it cannot be read, or is of another bucket.
        SourceMissingError: it does not exist.
        StorageError: it is too large, or the storage cannot be read.
    """
    content = read_file(url, source.limits, limit_bytes=TEXT_LIMIT_BYTES)
    if is_inventory(content):
        rows = read_inventory(source, url, content)
    else:
        rows = read_listed_rows(url, content)
    table = sort_rows(rows.table)
    choices = table["choice"].combine_chunks()
    return Manifest(FileTable(table), choices, rows.given, rows.warnings)


class ManifestResolver:
    """Finds what the manifest asks for of each of its files."""

    def __init__(self, manifest: Manifest, default: Resolved, graph: GraphInterface) -> None:
        """Take the manifest.

        Args:
            manifest: of the run.
            default: for rows that leave it to the options.
            graph: of the model.
        """
        self._manifest, self._default, self._graph = manifest, default, graph

    def resolve_all(self, files: FileTable) -> Choices:
        """Find the scale and the quality of each file, which the manifest has."""
        rows = pc.index_in(files.keys_column, value_set=self._manifest.files.keys_column)
        choices = self._manifest.choices.take(rows).to_numpy().astype(np.int32)
        default = self._default
        resolved = [
            Resolved(given.scale or default.scale, given.quality or default.quality)
            for given in self._manifest.given
        ]
        return choices, resolved

    def list_warnings(self) -> list[str]:
        """Return warnings of rows that were left out, or given without any effect."""
        chosen = {self._default.quality, *(given.quality for given in self._manifest.given)}
        return [*self._manifest.warnings, *describe_ignored_qualities(self._graph, chosen)]
