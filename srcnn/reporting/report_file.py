"""The file of `--report`, checked before the work: it replaces nothing that the run reads."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable

from srcnn.destination.ledger import STATE_FOLDER
from srcnn.errors import UsageError
from srcnn.images.formats import detect_format
from srcnn.storage.atomic_files import file_exists, write_file
from srcnn.storage.filesystems import is_local, resolve
from srcnn.storage.plain_files import refuse_special
from srcnn.storage.retries import StorageLimits
from srcnn.storage.streams import check_stream, is_stream, write_stream


def prepare_report_file(url: str, inputs: Iterable[str], limits: StorageLimits) -> None:
    """Check that a report can be written, and create its file, empty, if there is none.

    Args:
        url: path or URL of the report: a file, or a stream such as /dev/stdout.
        inputs: paths or URLs of files that the run reads, other than images.
        limits: of remote calls.

    Raises:
        UsageError: it is a folder, an input, an image, or in the record of a destination.
        OSError: it cannot be written.
    """
    path = _find_stream(url, limits)
    if path is not None:
        check_stream(path)
        return
    _refuse_wrong(url, inputs, limits)
    fs, local = resolve(url, limits)
    if is_local(fs) and not os.path.isdir(local):  # noqa: PTH112 - a path of fsspec's
        refuse_special(local)
    if not file_exists(url, limits):
        write_file(url, b"", limits)


def write_report_file(url: str, content: bytes, limits: StorageLimits) -> bool:
    """Write a report to a file, which it replaces, or to a stream.

    Args:
        url: path or URL, which `prepare_report_file` accepted.
        content: the report.
        limits: of remote calls.

    Returns:
        Whether it is a file, which can be read later.

    Raises:
        OSError: it could not be written.
    """
    path = _find_stream(url, limits)
    if path is None:
        write_file(url, content, limits)
    else:
        write_stream(path, content)
    return path is None


def _find_stream(url: str, limits: StorageLimits) -> str | None:
    """Return the path of a stream; None for a file."""
    fs, path = resolve(url, limits)
    return path if is_local(fs) and is_stream(path) else None


def _refuse_wrong(url: str, inputs: Iterable[str], limits: StorageLimits) -> None:
    parts = _locate(url, limits).casefold().split("/")
    if url.endswith("/") or not parts[-1]:
        raise UsageError(f"--report {url}: expected a file, got the name of a folder")
    if STATE_FOLDER in parts:
        raise UsageError(f"--report {url}: {STATE_FOLDER} has the records of runs: choose another")
    if detect_format(url):
        raise UsageError(f"--report {url}: expected a name such as report.json, got an image's")
    for each in inputs:
        if _is_same_file(url, each, limits):
            raise UsageError(f"--report {url}: the run reads this file: choose another")


def _is_same_file(url: str, other: str, limits: StorageLimits) -> bool:
    if _locate(url, limits) == _locate(other, limits):
        return True
    (fs, path), (other_fs, other_path) = resolve(url, limits), resolve(other, limits)
    if not (is_local(fs) and is_local(other_fs)):
        return False
    try:
        return os.path.samestat(os.lstat(path), os.stat(other_path))  # noqa: PTH116 - fsspec's paths
    except OSError:  # one of them does not exist
        return False


def _locate(url: str, limits: StorageLimits) -> str:
    """Return a text that is the same for all names of a place, whatever links lead to it."""
    fs, path = resolve(url, limits)
    if not is_local(fs):
        return f"{fs.protocol}:{posixpath.normpath(path)}"
    folder, name = posixpath.split(path)
    return posixpath.join(os.path.realpath(folder), name)
