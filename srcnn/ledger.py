"""The record of what was done, kept with the outputs under `<dst>/.srcnn/ledger/`.

Append-only: every shard writes one file of JSON lines, whole or not at all; the last
line about an output counts. An output is up to date when its record says so and the
file in the listing is the file that was recorded: that a file exists proves nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from srcnn.geometry import Size
from srcnn.storage import FileInfo, Folder

STATE_FOLDER = ".srcnn"
LEDGER_FOLDER = f"{STATE_FOLDER}/ledger/"


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


_RECORDS = TypeAdapter(Record)


def append(dst: Folder, run_id: str, records: Iterable[Record]) -> None:
    """Write the records of one shard.

    Args:
        dst: the destination.
        run_id: sorts by time.
        records: of outputs that are written; the first names the file.
    """
    lines = [json.dumps(asdict(record)) for record in records]
    if lines:
        # The first output belongs to one shard of one run: the name is unique without a counter.
        name = f"{run_id}-{_stable_name(lines[0])}.jsonl"
        dst.write(LEDGER_FOLDER + name, "\n".join([*lines, ""]).encode())


def load(dst: Folder, listing: Mapping[str, FileInfo]) -> tuple[dict[str, Record], list[str]]:
    """Every output's last record.

    Args:
        dst: the destination.
        listing: its files.

    Returns:
        Records by output key, and a warning for each file that cannot be read; what it
        recorded is done again.
    """
    records: dict[str, Record] = {}
    warnings = []
    for key in sorted(key for key in listing if key.startswith(LEDGER_FOLDER)):
        try:
            lines = dst.read(key).splitlines()
            # Not by pydantic's own parser, which refuses names that are no UTF-8.
            for record in [_RECORDS.validate_python(json.loads(line)) for line in lines]:
                known = records.get(record.output)
                # Clocks of machines differ: what is there is what was written last.
                if not (known and _is_there(known, listing) and not _is_there(record, listing)):
                    records[record.output] = record
        except ValueError as error:  # of json, of pydantic, of text that is no UTF-8
            reason = str(error).splitlines()[0]
            warnings.append(f"{dst.url_of(key)}: {reason}; the images it recorded are done again")
    return records, warnings


def _is_there(record: Record, listing: Mapping[str, FileInfo]) -> bool:
    return listing.get(record.output) == record.output_info


def _stable_name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
