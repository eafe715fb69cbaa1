"""Read the files of a ledger, many at once: small files parsed alone take five times as long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa

from srcnn.destination.record_lines import parse_files, parse_lines
from srcnn.errors import UnusableFileError
from srcnn.printable_text import one_line
from srcnn.storage.file_table import FileInfo, FileTable
from srcnn.storage.folder import Folder
from srcnn.validation_errors import describe_unreadable

BYTES_PER_FILE = 16 * 2**20
"""The most that `srcnn.destination.ledger` writes into one file, but for a single record."""
# Beyond what any version writes: a larger file is something else.
_LIMIT_BYTES = 4 * BYTES_PER_FILE
_IO_THREADS = 16
_FILES_PER_BATCH = 64


def read_ledger_files(
    destination: Folder, files: FileTable
) -> Iterator[tuple[list[str], pa.Table | str]]:
    """Read the records of files, in their order.

    Args:
        destination: the folder that holds them.
        files: of the ledger, as listed.

    Yields:
        Keys of files, and the records of all of them, with the columns of
        `srcnn.destination.records.SCHEMA`; or the key of a file that cannot be read, and a warning.

    Raises:
        OSError: the storage failed.
    """
    with ThreadPoolExecutor(_IO_THREADS) as pool:
        for batch in _group(files):
            contents = pool.map(partial(_read, destination), batch, batch.values())
            yield from _parse(destination, dict(zip(batch, contents, strict=True)))


def _group(files: FileTable) -> Iterator[dict[str, FileInfo]]:
    """Group files: otherwise the content of all of them would be in memory."""
    batch: dict[str, FileInfo] = {}
    size = 0
    for key, info in files.items():
        if batch and (len(batch) == _FILES_PER_BATCH or size + info.size > BYTES_PER_FILE):
            yield batch
            batch, size = {}, 0
        batch[key] = info
        size += info.size
    if batch:
        yield batch


def _read(destination: Folder, key: str, info: FileInfo) -> bytes | str:
    """Return the content of a file, or a warning."""
    try:
        return destination.read(key, _LIMIT_BYTES, info)
    except FileNotFoundError:
        return _warn(destination, key, "removed since it was listed")
    except UnusableFileError as error:
        reason = str(error).removeprefix(f"{destination.get_url(key)}: ")
        return _warn(destination, key, reason)


def _parse(
    destination: Folder, contents: Mapping[str, bytes | str]
) -> Iterator[tuple[list[str], pa.Table | str]]:
    """Parse contents at once if that is possible, or one by one."""
    readable = {key: each for key, each in contents.items() if isinstance(each, bytes)}
    records = parse_files(list(readable.values()))
    if records is not None:
        yield list(readable), records
    for key, content in contents.items():
        if isinstance(content, str):
            yield [key], content
        elif records is None:
            yield [key], _parse_alone(destination, key, content)


def _parse_alone(destination: Folder, key: str, content: bytes) -> pa.Table | str:
    """Return the records of a file, or a warning."""
    try:
        return parse_lines(content)
    # From json, from pydantic, from keys that no file can have, or from bytes that are not UTF-8.
    except (ValueError, RecursionError) as error:
        return _warn(destination, key, describe_unreadable(error))


def _warn(destination: Folder, key: str, reason: str) -> str:
    url = one_line(destination.get_url(key))
    return f"{url}: {reason}; the images it recorded will be upscaled again"
