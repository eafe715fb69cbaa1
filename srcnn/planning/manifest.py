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
from srcnn.planning.manifest_rows import ListedRows, read_listed_rows
from srcnn.planning.s3_inventory import is_inventory, read_inventory
from srcnn.planning.scales_file import Choices, Resolved, describe_ignored_qualities
from srcnn.planning.scales_rows import RowChoice
from srcnn.storage.atomic_files import read_file
from srcnn.storage.bounded_reads import TEXT_LIMIT_BYTES
from srcnn.storage.file_table import FileTable, sort_rows
from srcnn.storage.folder import Folder


@dataclass(frozen=True)
class Manifest:
    """The files that a run is about; the last row of each counts, or of each of its names.

    Attributes:
        files: the version is empty, and the size 0, where the manifest does not say.
        keys: (N,) of the file of each output, sorted.
        choices: (N,) int32, index of what is asked for of each output.
        given: what is asked for, by that index.
        warnings: of rows that were left out.
    """

    files: FileTable
    keys: pa.Array
    choices: pa.Array
    given: Sequence[RowChoice]
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
    if is_inventory(url, content):
        rows = read_inventory(source, url, content)
    else:
        rows = read_listed_rows(url, content)
    return build_manifest(rows)


def build_manifest(rows: ListedRows) -> Manifest:
    """Sort the rows of a manifest, and keep those that count.

    Args:
        rows: in the order of the file.
    """
    has_names = any(each.name for each in rows.given)
    table = _sort_names(rows) if has_names else sort_rows(rows.table)
    keys, choices = (table[name].combine_chunks() for name in ("key", "choice"))
    return Manifest(FileTable(sort_rows(table)), keys, choices, rows.given, rows.warnings)


def _sort_names(rows: ListedRows) -> pa.Table:
    """Sort the rows by their keys, and keep the last one of each key and name."""
    numbers = {each.name: number for number, each in enumerate(rows.given)}
    names = pa.array([numbers[each.name] for each in rows.given], pa.int32())
    table = rows.table.append_column("name", names.take(rows.table["choice"].combine_chunks()))
    table = table.append_column("row", pa.array(np.arange(len(table))))
    table = table.group_by(["key", "name"], use_threads=False).aggregate([("row", "max")])
    order = table.sort_by([("key", "ascending"), ("row_max", "ascending")])["row_max"]
    return rows.table.take(order.combine_chunks())


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
        """Find what is asked for of each file, which the manifest has."""
        found = pc.index_in(self._manifest.keys, value_set=files.keys_column)
        choices = self._manifest.choices.filter(found.is_valid()).to_numpy()
        rows = found.drop_null().to_numpy()
        default = self._default
        resolved = [
            Resolved(each.scale or default.scale, each.quality or default.quality, each.name)
            for each in self._manifest.given
        ]
        return Choices(choices, resolved, rows if len(rows) > len(files) else None)

    def list_warnings(self) -> list[str]:
        """Return warnings of rows that were left out, or given without any effect."""
        chosen = {self._default.quality, *(given.quality for given in self._manifest.given)}
        return [*self._manifest.warnings, *describe_ignored_qualities(self._graph, chosen)]
