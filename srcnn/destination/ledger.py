"""The ledger: one record for each output, stored with the outputs in `<dst>/.srcnn/ledger/`.

Every shard has one file of JSON lines, which is replaced with a longer one as its images are
written (see `srcnn.destination.recorder`). Files are read in the order of their names, which begin
with the run's time, and the last record of an output counts.
An output is up to date if its record says so and the listing shows the file that was recorded:
the existence of a file proves nothing. A record that matches the listed file wins over a later
record that does not, because the clocks of machines differ.

`compact` merges the records that count, so that nightly runs do not add files without limit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from srcnn.destination.ledger_files import BYTES_PER_FILE, read_ledger_files
from srcnn.destination.record_lines import format_line
from srcnn.destination.records import SCHEMA, Record, RecordTable, keep_latest, to_records
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.key_columns import encode_key

STATE_FOLDER = ".srcnn"
LEDGER_FOLDER = f"{STATE_FOLDER}/ledger/"
_ENDING = ".jsonl"
_IO_THREADS = 16
_MAX_FILES = 1000
_RECORDS_PER_FILE = 20_000


def append(destination: Folder, run_id: str, records: Sequence[Record]) -> None:
    """Write the records of a shard as one file, in place of an earlier one of the same shard.

    Args:
        destination: the destination.
        run_id: of this run; run ids sort by time.
        records: of outputs that have been written, in an order to which more are only appended;
            if there are none, no file is written.
    """
    if records:
        # An output belongs to one shard of a run, so the first record makes the name unique.
        lines = [format_line(record) for record in records]
        _write(destination, f"{run_id}-{_digest(lines[0])}{_ENDING}", lines)


@dataclass(frozen=True)
class Ledger:
    """The content of a ledger.

    Attributes:
        records: the record that counts for each output, by its key.
        files: keys of the files that could be read, in order.
        warnings: one for each unreadable file; the images that it recorded are upscaled again.
        superseded: how many records no longer count.
    """

    records: RecordTable
    files: list[str]
    warnings: list[str]
    superseded: int

    @property
    def is_scattered(self) -> bool:
        """Whether to `compact` it: many files, or mostly superseded records."""
        return len(self.files) > _MAX_FILES or (
            len(self.files) > 1 and self.superseded > len(self.records)
        )


def load(destination: Folder, listing: FileTable, before: str = "") -> Ledger:
    """Read the record that counts for each output.

    Args:
        destination: the destination.
        listing: its files.
        before: read only files whose names sort before this; if empty, all.

    Raises:
        OSError: the storage failed. This is not a warning: a storage that is down for a while
            must not cause images to be upscaled again.
    """
    tables: list[pa.Table] = []
    files, warnings = [], []
    for keys, found in read_ledger_files(destination, _select_files(listing, before)):
        if isinstance(found, str):
            warnings.append(found)
        else:
            files += keys
            tables.append(found)
    table = pa.concat_tables([SCHEMA.empty_table(), *tables]).unify_dictionaries().combine_chunks()
    tables.clear()  # a copy of all records
    pa.default_memory_pool().release_unused()  # of parsing, too
    counting = RecordTable(keep_latest(table, _match_listing(table, listing)))
    return Ledger(counting, files, warnings, table.num_rows - len(counting))


def _select_files(listing: FileTable, before: str) -> FileTable:
    """Select the files of a ledger, without the temporary files that killed runs left."""
    keys = listing.keys_column
    is_file = pc.and_(
        pc.starts_with(keys, LEDGER_FOLDER.encode()), pc.ends_with(keys, _ENDING.encode())
    )
    if before:
        is_file = pc.and_(is_file, pc.less(keys, encode_key(LEDGER_FOLDER + before)))
    return listing.filter(is_file)


def compact(destination: Folder, run_id: str) -> int:
    """Merge the records of earlier runs into few files, and then remove the old files.

    It can be killed at any moment without loss: the new files sort after the files that they
    replace and before this run's own files, so reading both gives the same result as reading
    either. Unreadable files stay, and so do files of runs that are later by their clocks.
    Records of outputs that no longer exist are dropped.

    Args:
        destination: held by this run (see `srcnn.destination.lock`), which has not yet appended
            to it.
        run_id: of this run.

    Returns:
        How many files were removed.

    Raises:
        OSError: the storage failed; the ledger is as valid as before.
    """
    listing = destination.files()
    ledger = load(destination, listing, before=f"{run_id}-")
    table = ledger.records.table
    exists = pc.is_in(ledger.records.column("output"), value_set=listing.keys_column)
    current = to_records(table.filter(exists))
    for number, lines in enumerate(_split(map(format_line, current))):
        # The second "-" sorts before the digest in the names that `append` gives.
        _write(destination, f"{run_id}--{number:06d}{_ENDING}", lines)
    with ThreadPoolExecutor(_IO_THREADS) as pool:
        list(pool.map(destination.remove, ledger.files))
    return len(ledger.files)


def _split(lines: Iterable[str]) -> Iterator[list[str]]:
    """Split lines into files that `load` reads whole."""
    part: list[str] = []
    size = 0
    for line in lines:
        if part and (len(part) == _RECORDS_PER_FILE or size + len(line) > BYTES_PER_FILE):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part


def _write(destination: Folder, name: str, lines: Sequence[str]) -> None:
    key = LEDGER_FOLDER + name
    destination.write(key, "".join(f"{line}\n" for line in lines).encode())
    destination.sync_folders([key])


def _match_listing(records: pa.Table, listing: FileTable) -> pa.Array:
    """Whether each record has the size and the version that are listed for its output."""
    rows = pc.index_in(records["output"].combine_chunks(), value_set=listing.keys_column)
    same_size = pc.equal(listing.sizes.take(rows), records["output_size"].combine_chunks())
    same_version = pc.equal(listing.versions.take(rows), records["output_version"].combine_chunks())
    return pc.fill_null(pc.and_(same_size, same_version), fill_value=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
