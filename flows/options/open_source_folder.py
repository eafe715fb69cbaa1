"""Open what `--src` names: a folder, a bucket prefix, or a single image."""

from __future__ import annotations

import posixpath

from srcnn.errors import DamagedImageError, ImageError, SourceMissingError, UsageError
from srcnn.images.decoding.file_kinds import START_BYTES, find_kind
from srcnn.images.decoding.header import read_header
from srcnn.images.formats import EXTENSIONS, detect_format
from srcnn.storage.folder import Folder
from srcnn.storage.missing_path import describe_missing
from srcnn.storage.one_file import OneFile
from srcnn.storage.retries import StorageLimits

_IMAGES = " ".join(extensions[0] for extensions in EXTENSIONS.values())


def open_source(src: str, dst: str | None, limits: StorageLimits) -> Folder:
    """Return the folder to read; that of a single image if `src` is one.

    Args:
        src: path or URL.
        dst: of the destination, if it was given.
        limits: of remote calls.

    Raises:
        UsageError: it is a file, but no image, or the destination has an image's name.
        SourceMissingError: it has the name of an image, and does not exist.
        StorageError: the storage cannot be read.
    """
    folder = Folder(src, limits)
    path = folder.local_path
    if not detect_format(src):
        if path.is_file() if path is not None else _may_be_object(src):
            _refuse_file(OneFile(src, limits))
        return folder
    file = OneFile(src, limits)
    if file.info(file.key) is None:
        if path is not None and not path.exists():
            raise SourceMissingError(describe_missing(src, "no such file"))
        return folder
    if dst and detect_format(dst):
        raise UsageError(
            f"{dst} has the name of an image; expected a folder as the destination, in which "
            f"{file.key} keeps its name"
        )
    return file


def _may_be_object(src: str) -> bool:
    """Whether a URL has an extension, so that it is worth a request."""
    path = src.partition("://")[2]
    return "/" in path and bool(posixpath.splitext(path)[1])


def _refuse_file(file: OneFile) -> None:
    """Refuse a file that has not the name of an image, by what it is, if there is one.

    Raises:
        UsageError: it exists.
    """
    info = file.info(file.key)
    if info is None:
        return
    expected = f"expected a folder, or an image ({_IMAGES}, ...)"
    with file.open(file.key, info) as stream:
        kind = find_kind(stream.read(START_BYTES))
        if kind and kind.is_lost:
            raise UsageError(f"{file.given} is {kind.name}; {expected}")
        stream.seek(0)
        try:
            read_header(stream)
        except DamagedImageError as error:
            raise UsageError(f"{file.given} is a file; {expected}") from error
        except ImageError as error:
            raise UsageError(f"{file.given}: {error}") from error
    raise UsageError(
        f"{file.given} is an image by its content, but not by its name: rename it to end in one of "
        f"{_IMAGES}"
    )
