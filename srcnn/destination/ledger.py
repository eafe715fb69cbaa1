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
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from srcnn.errors import UnusableFileError
from srcnn.geometry import Size
from srcnn.graphs.graph_format import CLEAN, WORST
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from srcnn.text import one_line
from srcnn.validation_errors import describe_unreadable

STATE_FOLDER = ".srcnn"
LEDGER_FOLDER = f"{STATE_FOLDER}/ledger/"
_ENDING = ".jsonl"
_IO_THREADS = 16
_FILES_PER_BATCH = 64
_MAX_FILES = 1000
_RECORDS_PER_FILE = 20_000
_BYTES_PER_FILE = 16 * 2**20
# Beyond what any version writes: a larger file is something else.
_LIMIT_BYTES = 4 * _BYTES_PER_FILE
_LARGEST_SIDE = 2**31  # pixels; beyond what any image has


@dataclass(frozen=True)
class Record:
    """One output as it was written.

    Attributes:
        output: its key in the destination.
        source: its key in the source.
        source_info: size and version of the source file that was read.
        output_info: size and version of the output file that was written.
        scale: text of the factor or target.
        options: digest of the options that affect pixels.
        model: sha256 of the model.
        size_in: of the source image.
        size_out: of the output image.
        quality: of the source, that the weights were chosen for; earlier versions had only 100.
        file_quality: what the source's header said of it.
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
    quality: float = CLEAN
    file_quality: float = CLEAN


_RECORDS = TypeAdapter(Record)


def _take_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one record")
    return found


# One for all lines: it takes half of the time of `json.loads`.
_DECODER = json.JSONDecoder(object_pairs_hook=_take_unique)


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
        lines = [_format_line(record) for record in records]
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

    records: dict[str, Record]
    files: list[str]
    warnings: list[str]
    superseded: int

    @property
    def is_scattered(self) -> bool:
        """Whether to `compact` it: many files, or mostly superseded records."""
        return len(self.files) > _MAX_FILES or (
            len(self.files) > 1 and self.superseded > len(self.records)
        )


def load(destination: Folder, listing: Mapping[str, FileInfo], before: str = "") -> Ledger:
    """Read the record that counts for each output.

    Args:
        destination: the destination.
        listing: its files.
        before: read only files whose names sort before this; if empty, all.

    Raises:
        OSError: the storage failed. This is not a warning: a storage that is down for a while
            must not cause images to be upscaled again.
    """
    # Not the temporary files that killed runs left.
    keys = sorted(key for key in listing if key.startswith(LEDGER_FOLDER) and key.endswith(_ENDING))
    keys = [key for key in keys if not before or key < LEDGER_FOLDER + before]
    records: dict[str, Record] = {}
    files, warnings, count = [], [], 0
    # In batches, in order: otherwise all files would be in memory before they are merged.
    with ThreadPoolExecutor(_IO_THREADS) as pool:
        for start in range(0, len(keys), _FILES_PER_BATCH):
            batch = keys[start : start + _FILES_PER_BATCH]
            read = partial(_read, destination, listing)
            for key, found in zip(batch, pool.map(read, batch), strict=True):
                if isinstance(found, str):
                    warnings.append(found)
                    continue
                files.append(key)
                count += len(found)
                for record in found:
                    _merge(records, record, listing)
    return Ledger(records, files, warnings, count - len(records))


def _read(destination: Folder, listing: Mapping[str, FileInfo], key: str) -> list[Record] | str:
    """Return the records of a file, or a warning if it cannot be read."""
    url = one_line(destination.get_url(key))
    try:
        records = _parse(destination.read(key, _LIMIT_BYTES, listing[key]))
    except FileNotFoundError:
        reason = "removed since it was listed"
    except UnusableFileError as error:
        reason = str(error).removeprefix(f"{destination.get_url(key)}: ")
    # From json, from pydantic, or from bytes that are not UTF-8.
    except (ValueError, RecursionError) as error:
        reason = describe_unreadable(error)
    else:
        return records
    return f"{url}: {reason}; the images it recorded will be upscaled again"


def _parse(content: bytes) -> list[Record]:
    # Not with pydantic's JSON parser, which rejects file names that are not valid UTF-8.
    lines = content.decode().removesuffix("\n").split("\n")
    if lines == [""]:
        raise ValueError("the file is empty")
    records = [_RECORDS.validate_python(_DECODER.decode(line)) for line in lines]
    for record in records:
        sides = (*record.size_in, *record.size_out)
        if not all(0 < side < _LARGEST_SIDE for side in sides):
            raise ValueError("the size of an image is out of range")
        if not all(WORST <= each <= CLEAN for each in (record.quality, record.file_quality)):
            raise ValueError("the quality of an image is out of range")
    return records


def _merge(records: dict[str, Record], record: Record, listing: Mapping[str, FileInfo]) -> None:
    known = records.get(record.output)
    if not (known and _matches_listing(known, listing) and not _matches_listing(record, listing)):
        records[record.output] = record


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
    current = [record for record in ledger.records.values() if record.output in listing]
    for number, lines in enumerate(_split(map(_format_line, current))):
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
        if part and (len(part) == _RECORDS_PER_FILE or size + len(line) > _BYTES_PER_FILE):
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


def _matches_listing(record: Record, listing: Mapping[str, FileInfo]) -> bool:
    return listing.get(record.output) == record.output_info


def _format_line(record: Record) -> str:
    return json.dumps(asdict(record))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
