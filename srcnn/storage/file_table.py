"""The files of a listing as a table: a row each, about 100 bytes, whatever their number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from srcnn.storage.key_columns import KEY_TYPE, decode_key, decode_keys, encode_key, encode_keys

_ROWS_PER_CHUNK = 50_000
_SCHEMA = pa.schema([("key", KEY_TYPE), ("size", pa.int64()), ("version", KEY_TYPE)])


@dataclass(frozen=True, slots=True)
class FileInfo:
    """Size and version of a file, from a listing.

    Attributes:
        size: bytes.
        version: ETag, or the time of the last change; differs if the content differs. Empty if
            the storage gives neither: then nothing shows whether the content has changed.
    """

    size: int
    version: str


def find_row(keys: pa.Array, key: str) -> int | None:
    """Return the row of a key in a sorted column of keys; None if there is none."""
    wanted = encode_key(key)
    row = bisect_left(range(len(keys)), wanted, key=lambda each: keys[each].as_py())
    return row if row < len(keys) and keys[row].as_py() == wanted else None


class FileTable(Mapping[str, FileInfo]):
    """Files by key, in the order of their keys' bytes.

    Attributes:
        keys_column: of `encode_keys`, sorted; no key occurs twice, but after `take`.
        sizes: (N,) int64, bytes.
        versions: as `FileInfo` has them, in bytes.
        linked_folders: keys of links to folders, which were not followed.
    """

    def __init__(self, table: pa.Table, linked_folders: Sequence[str] = ()) -> None:
        """Take the columns.

        Args:
            table: with the columns key, size and version.
            linked_folders: see the attribute.
        """
        self.keys_column, self.sizes, self.versions = (
            table[name].combine_chunks() for name in _SCHEMA.names
        )
        self.linked_folders = linked_folders

    @classmethod
    def of(cls, files: Mapping[str, FileInfo]) -> FileTable:
        """Make a table of a few files."""
        builder = FileTableBuilder()
        for key, info in files.items():
            builder.add(key, info.size, info.version)
        return builder.build()

    def find(self, key: str) -> int | None:
        """Return the row of a key; None if there is none."""
        return find_row(self.keys_column, key)

    def list_folders(self) -> list[str]:
        """List the folders that files are in, each once; "" for the root."""
        folders = pc.replace_substring_regex(self.keys_column, r"/?[^/]*$", "")
        return decode_keys(folders.unique())

    def filter(self, mask: pa.Array) -> FileTable:
        """Return the rows where a mask (N,) of booleans is true; the table itself if all are."""
        if pc.all(mask).as_py():
            return self
        columns = [self.keys_column, self.sizes, self.versions]
        table = pa.Table.from_arrays(columns, schema=_SCHEMA).filter(mask)
        return FileTable(table, self.linked_folders)

    def take(self, rows: npt.NDArray[np.int32]) -> FileTable:
        """Return some of the rows (N,), in their order; one may be taken several times.

        Then a key occurs several times, as it does in no other table.
        """
        columns = [self.keys_column, self.sizes, self.versions]
        table = pa.Table.from_arrays(columns, schema=_SCHEMA).take(pa.array(rows))
        return FileTable(table, self.linked_folders)

    def join(self, other: FileTable) -> FileTable:
        """Return the files of both; those of the other count where a key is in both."""
        parts = [
            pa.Table.from_arrays([each.keys_column, each.sizes, each.versions], schema=_SCHEMA)
            for each in (self, other)
        ]
        return FileTable(sort_rows(pa.concat_tables(parts)), self.linked_folders)

    def replace(self, infos: Mapping[str, FileInfo]) -> FileTable:
        """Return the same files, with other sizes and versions of some of them."""
        rows = {row: info for key, info in infos.items() if (row := self.find(key)) is not None}
        is_replaced = np.zeros(len(self), bool)
        is_replaced[list(rows)] = True
        mask, ordered = pa.array(is_replaced), [rows[row] for row in sorted(rows)]
        sizes = pa.array([info.size for info in ordered], pa.int64())
        versions = encode_keys([info.version for info in ordered])
        columns = [
            self.keys_column,
            pc.replace_with_mask(self.sizes, mask, sizes),
            pc.replace_with_mask(self.versions, mask, versions),
        ]
        return FileTable(pa.Table.from_arrays(columns, schema=_SCHEMA), self.linked_folders)

    def __getitem__(self, key: str) -> FileInfo:
        """Return size and version of a file."""
        row = self.find(key)
        if row is None:
            raise KeyError(key)
        return FileInfo(self.sizes[row].as_py(), decode_key(self.versions[row].as_py()))

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        for start in range(0, len(self), _ROWS_PER_CHUNK):
            yield from decode_keys(self.keys_column.slice(start, _ROWS_PER_CHUNK))

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.keys_column)

    def items(self) -> ItemsView[str, FileInfo]:
        """Return keys with sizes and versions."""
        return _Items(self)

    def __eq__(self, other: object) -> bool:
        """Whether it has the same files as another mapping."""
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment] # as of other mappings


class _Items(ItemsView[str, FileInfo]):
    """Iterates over the rows, without a search for each key."""

    _mapping: FileTable

    def __iter__(self) -> Iterator[tuple[str, FileInfo]]:
        """Yield key and file."""
        files = self._mapping
        for start in range(0, len(files), _ROWS_PER_CHUNK):
            rows = slice(start, start + _ROWS_PER_CHUNK)
            keys, versions = decode_keys(files.keys_column[rows]), decode_keys(files.versions[rows])
            for key, size, version in zip(
                keys, files.sizes[rows].to_pylist(), versions, strict=True
            ):
                yield key, FileInfo(size, version)


class FileTableBuilder:
    """Collects the files of a listing, in any order; the last one of a key counts."""

    def __init__(self) -> None:
        """Start with none."""
        self._chunks: list[pa.RecordBatch] = []
        self._keys: list[str] = []
        self._sizes: list[int] = []
        self._versions: list[str] = []

    def add(self, key: str, size: int, version: str) -> None:
        """Add a file; size and version as `FileInfo` has them, but no object is made for each."""
        self._keys.append(key)
        self._sizes.append(size)
        self._versions.append(version)
        if len(self._keys) == _ROWS_PER_CHUNK:
            self._flush()

    def build(self, linked_folders: Sequence[str] = ()) -> FileTable:
        """Return all that was added.

        Args:
            linked_folders: of the table.
        """
        self._flush()
        chunks, self._chunks = self._chunks, []
        table = sort_rows(pa.Table.from_batches(chunks, _SCHEMA))
        chunks.clear()
        result = FileTable(table, linked_folders)
        pa.default_memory_pool().release_unused()  # twice what is left, if it was sorted
        return result

    def _flush(self) -> None:
        columns = [
            encode_keys(self._keys),
            pa.array(self._sizes, pa.int64()),
            encode_keys(self._versions),
        ]
        self._chunks.append(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
        self._keys, self._sizes, self._versions = [], [], []


def sort_rows(table: pa.Table) -> pa.Table:
    """Sort a table by its column key, and keep the last row of each."""
    keys = table["key"].combine_chunks()
    if _all_differ(pc.less, keys):
        return table
    table = table.take(pc.sort_indices(keys))  # stable
    keys = table["key"].combine_chunks()
    if _all_differ(pc.not_equal, keys):
        return table
    differs = pc.not_equal(keys[:-1], keys[1:]).to_numpy(zero_copy_only=False)
    return table.filter(pa.array(np.append(differs, True)))


def _all_differ(differ: Callable[[pa.Array, pa.Array], pa.Array], keys: pa.Array) -> bool:
    """Whether each key differs from the one before it."""
    return len(keys) < 2 or bool(pc.all(differ(keys[:-1], keys[1:])).as_py())  # noqa: PLR2004
