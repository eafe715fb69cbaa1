"""Find the checkpoint that a user named: its location and pixel convention. Imports no torch."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from srcnn.errors import DownloadError, SourceMissingError, UsageError
from srcnn.storage.atomic_files import read_file
from srcnn.storage.download import (
    CHECKPOINT_LIMIT_BYTES,
    MIN_HASH_DIGITS,
    check_sha256,
    fetch,
    verify,
)
from srcnn.storage.url_credentials import check_url

if TYPE_CHECKING:
    from srcnn.model.pixel_format import Convention, Rounding

_BUNDLED = Path(__file__).parents[1] / "weights" / "srcnn.pth"
_HASH_IN_NAME = re.compile(rf"-([0-9a-f]{{{MIN_HASH_DIGITS},64}})\.[^.]+$")


@dataclass(frozen=True)
class Source:
    """A checkpoint to read.

    Attributes:
        name: for the graph's card.
        origin: for the graph's card: `bundled`, a URL, or a file name.
        urls: where to look for the file, in order. A single local path is read directly.
        sha256: of the file, or its first 8 or more digits; None if it is not known.
        convention: of the pixels that the checkpoint was trained on.
        rounding: how the output of its graph is converted to integers.
    """

    name: str
    origin: str
    urls: tuple[str, ...]
    sha256: str | None
    convention: Convention
    rounding: Rounding = "nearest"


_OPENMMLAB_URL = (
    "https://download.openmmlab.com/mmediting/restorers/srcnn/"
    "srcnn_x4k915_1x16_1000k_div2k_20200608-4186f232.pth"
)
_OPENMMLAB = Source(
    name="openmmlab-x4",
    origin=_OPENMMLAB_URL,
    urls=(_OPENMMLAB_URL,),
    sha256="4186f23210c64284539358c7e8757b1b32cd8f6ae56e4a9fd1e7e195f29efaa9",
    convention="rgb-unit",
)
CATALOGUE = {
    "bundled": Source("bundled", "bundled", (str(_BUNDLED),), None, "rgb-unit"),
    "openmmlab-x4": _OPENMMLAB,
    # The tutorial feeds BGR 0..255 to weights trained on RGB in [0, 1], and truncates the result.
    # Its images are published, so this entry reproduces them.
    "tutorial": replace(_OPENMMLAB, name="tutorial", convention="bgr-byte", rounding="truncate"),
}


def find_checkpoint(
    checkpoint: str,
    *,
    sha256: str | None = None,
    convention: Convention | None = None,
    mirror: str | None = None,
) -> Source:
    """Find what to read for a checkpoint that a user named.

    Args:
        checkpoint: a name in the catalogue, a URL, or a path.
        sha256: 64 hex digits, or at least the first 8. Required for a URL unless its file name
            contains the first 8 (`-4186f232.pth`).
        convention: of the pixels that the checkpoint was trained on; None is `rgb-unit`. The
            convention of checkpoints in the catalogue is known.
        mirror: folder or URL prefix where the catalogue's files are looked for first, by name.

    Raises:
        UsageError: an argument is missing, malformed, or contradicts the catalogue.
        SourceMissingError: it is neither a known name nor an existing file.
    """
    digest = None if sha256 is None else check_sha256(sha256)
    if checkpoint in CATALOGUE:
        known = _confirm(CATALOGUE[checkpoint], digest, convention)
        return known if mirror is None else _add_mirror(known, mirror)
    check_url(checkpoint)
    name = posixpath.basename(urlsplit(checkpoint).path)
    if _is_remote(checkpoint):
        digest = digest or _require_digest(name, checkpoint)
    elif _to_path(checkpoint).is_file():
        digest = digest or _find_digest(name)
    else:
        known_names = ", ".join(CATALOGUE)
        raise SourceMissingError(
            f"checkpoint {checkpoint!r}: no such file; expected a path, a URL, or {known_names}"
        )
    origin = checkpoint if _is_remote(checkpoint) else name
    return Source(name, origin, (checkpoint,), digest, convention or "rgb-unit")


def obtain(source: Source, folder: Path, *, attempts: int, timeout_seconds: float) -> Path:
    """Return the path of the checkpoint's file; download it if it is remote.

    The file is verified if its hash is known.

    Args:
        source: from `find_checkpoint`.
        folder: cache for downloaded files.
        attempts: see `srcnn.storage.download.fetch`.
        timeout_seconds: see `srcnn.storage.download.fetch`.

    Raises:
        ChecksumError: the file does not have the expected hash.
        DownloadError: the file could not be fetched.
    """
    if len(source.urls) == 1 and not _is_remote(source.urls[0]):
        path = _to_path(source.urls[0])
        content = read_file(str(path), limit_bytes=CHECKPOINT_LIMIT_BYTES)
        verify(content, source.sha256 or "", source.origin)
        return path
    digest = source.sha256 or ""
    try:
        return fetch(
            source.urls, folder, sha256=digest, attempts=attempts, timeout_seconds=timeout_seconds
        )
    except DownloadError as error:
        raise DownloadError(
            f"checkpoint {source.name} {error}. On a machine without internet access, store the "
            "file in a folder, and pass its path, or set the folder as the mirror "
            "(SRCNN_CHECKPOINT_MIRROR)"
        ) from None


def _confirm(known: Source, digest: str | None, convention: Convention | None) -> Source:
    if convention not in {None, known.convention}:
        raise UsageError(
            f"checkpoint {known.name}: its convention is {known.convention}, not {convention}; "
            "leave --convention out"
        )
    if digest and known.sha256 and not known.sha256.startswith(digest):
        raise UsageError(
            f"checkpoint {known.name}: its sha256 is {known.sha256}, not {digest}; "
            "leave --sha256 out"
        )
    return replace(known, sha256=known.sha256 or digest)


def _add_mirror(known: Source, mirror: str) -> Source:
    if known.sha256 is None:  # the bundled checkpoint is not downloaded
        return known
    name = posixpath.basename(known.origin)
    return replace(known, urls=(f"{check_url(mirror).rstrip('/')}/{name}", *known.urls))


def _require_digest(name: str, url: str) -> str:
    found = _HASH_IN_NAME.search(name)
    if not found:
        raise UsageError(
            f"checkpoint {url}: a remote file must be verified; give --sha256, or a file name "
            f"that ends in -<the first {MIN_HASH_DIGITS} hex digits>.pth"
        )
    return found[1]


def _find_digest(name: str) -> str | None:
    """Find the digits of a hash in a local file's name, unless they look like a date."""
    found = _HASH_IN_NAME.search(name)
    return found[1] if found and not found[1].isdecimal() else None


def _is_remote(url: str) -> bool:
    return urlsplit(url).scheme not in {"", "file"}


def _to_path(url: str) -> Path:
    return Path(url.removeprefix("file://")).expanduser()
