"""The record of what was done, kept with the outputs under `<dst>/.srcnn/ledger/`.

Append-only: every shard writes one file of JSON lines, whole or not at all; the last
line about an output counts, in the order of the files' names, which begin with the run's time.
An output is up to date when its record says so and the file in the listing is the file that
was recorded: that a file exists proves nothing. A record of the file that is there is stronger
than a later one of a file that is not, since the clocks of machines differ.

`compact` gathers what counts, so that nightly runs do not add files for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

from pydantic import TypeAdapter

from srcnn.geometry import Size
from srcnn.runtime.onnx_session import Precision
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo

STATE_FOLDER = ".srcnn"
LEDGER_FOLDER = f"{STATE_FOLDER}/ledger/"
_READERS = 16
_READ_AT_ONCE = 64
_MOST_FILES = 1000
_RECORDS_PER_FILE = 20_000


@dataclass(frozen=True)
class Record:
    """One output as it was written.

    Attributes:
        output: key in the destination.
        source: key in the source.
        source_info: the source's file then.
        output_info: the output's file, as written.
        scale: text of the factor or target.
        options: digest of the options that shape pixels.
        model: sha256 of the model.
        precision: that it was computed in.
        size_in: of the source.
        size_out: of the output.
    """

    output: str
    source: str
    source_info: FileInfo
    output_info: FileInfo
    scale: str
    options: str
    model: str
    size_in: Size
    size_out: Size
    precision: Precision = "exact"  # of records that do not say: there was no other


_RECORDS = TypeAdapter(Record)


def append(dst: Folder, run_id: str, records: Sequence[Record]) -> None:
    """Write the records of one shard.

    Args:
        dst: the destination.
        run_id: sorts by time.
        records: of outputs that are written; the first names the file.
    """
    if records:
        # The first output belongs to one shard of one run: the name is unique without a counter.
        _write(dst, f"{run_id}-{_digest(_line(records[0]))}.jsonl", records)


@dataclass(frozen=True)
class Ledger:
    """What the files of a ledger say.

    Attributes:
        records: every output's last record, by its key.
        files: keys of the files that could be read, in order.
        warnings: one for each file that could not; what it recorded is done again.
        superseded: how many records were read that count no more.
    """

    records: dict[str, Record]
    files: list[str]
    warnings: list[str]
    superseded: int

    @property
    def is_scattered(self) -> bool:
        """Whether it is worth to `compact` it."""
        return len(self.files) > _MOST_FILES or (
            len(self.files) > 1 and self.superseded > len(self.records)
        )


def load(dst: Folder, listing: Mapping[str, FileInfo], before: str = "") -> Ledger:
    """Every output's last record.

    Args:
        dst: the destination.
        listing: its files.
        before: read only files whose names sort before this; all where it is empty.

    Raises:
        OSError: the storage failed; what cannot be read for a time is not done again.
    """
    keys = sorted(key for key in listing if key.startswith(LEDGER_FOLDER))
    keys = [key for key in keys if not before or key < LEDGER_FOLDER + before]
    records: dict[str, Record] = {}
    files, warnings, count = [], [], 0
    # A few at a time, in their order: all at once would stand in memory before they are merged.
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(keys), _READ_AT_ONCE):
            some = keys[start : start + _READ_AT_ONCE]
            for key, found in zip(some, pool.map(partial(_read, dst), some), strict=True):
                if isinstance(found, str):
                    warnings.append(found)
                    continue
                files.append(key)
                count += len(found)
                for record in found:
                    _enter(records, record, listing)
    return Ledger(records, files, warnings, count - len(records))


def _read(dst: Folder, key: str) -> list[Record] | str:
    """The records of a file, or why there are none."""
    try:
        # Not by pydantic's own parser, which refuses names that are no UTF-8.
        return [_RECORDS.validate_python(json.loads(line)) for line in dst.read(key).splitlines()]
    except FileNotFoundError:
        reason = "gone since it was listed"
    except ValueError as error:  # of json, of pydantic, of text that is no UTF-8
        reason = str(error).splitlines()[0]
    return f"{dst.url_of(key)}: {reason}; the images it recorded are done again"


def _enter(records: dict[str, Record], record: Record, listing: Mapping[str, FileInfo]) -> None:
    known = records.get(record.output)
    if not (known and _is_there(known, listing) and not _is_there(record, listing)):
        records[record.output] = record


def compact(dst: Folder, run_id: str) -> int:
    """Gather what counts of earlier runs in few files, and only then remove the others.

    Killed at any moment it loses nothing: the new files come after those that they stand for,
    and before this run's own, so that reading both gives what reading either gives. Files that
    cannot be read stay, and so do those of runs that are later by their clocks. Records of
    outputs that are gone are left out.

    Args:
        dst: the destination, held by this run (see `srcnn.destination.lock`), before it records
            anything.
        run_id: of this run.

    Returns:
        How many files were removed.

    Raises:
        OSError: the storage failed; what is there counts as before.
    """
    listing = dst.files()
    ledger = load(dst, listing, before=f"{run_id}-")
    living = [record for record in ledger.records.values() if record.output in listing]
    for start in range(0, len(living), _RECORDS_PER_FILE):
        # "-" sorts before every name that `append` gives.
        name = f"{run_id}--{start // _RECORDS_PER_FILE:06d}.jsonl"
        _write(dst, name, living[start : start + _RECORDS_PER_FILE])
    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(dst.remove, ledger.files))
    return len(ledger.files)


def _write(dst: Folder, name: str, records: Iterable[Record]) -> None:
    dst.write(LEDGER_FOLDER + name, "".join(f"{_line(record)}\n" for record in records).encode())


def _is_there(record: Record, listing: Mapping[str, FileInfo]) -> bool:
    return listing.get(record.output) == record.output_info


def _line(record: Record) -> str:
    return json.dumps(asdict(record))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
