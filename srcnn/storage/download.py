"""Download a file into a cache folder: verified first, then written atomically.

Independent of what the file is for. Everything goes through fsspec, so a URL may be http(s), s3,
or a path.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from srcnn.errors import ChecksumError, DownloadError, UsageError
from srcnn.storage.atomic_files import read_file, write_file
from srcnn.storage.retries import StorageLimits
from srcnn.storage.url_credentials import check_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# torch.hub's `check_hash` and OpenMMLab put 8 digits into file names.
MIN_HASH_DIGITS = 8
CHECKPOINT_LIMIT_BYTES = 2**30
_HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH_DIGITS},64}}")

_log = logging.getLogger(__name__)


def fetch(
    urls: Sequence[str],
    folder: Path,
    *,
    sha256: str,
    attempts: int = 5,
    timeout_seconds: float = 30.0,
) -> Path:
    """Download a file from the first URL that has it, unless it is in the cache already.

    Args:
        urls: of the same file, in the order to try; the last path element of the last URL is
            the file's name.
        folder: the cache; created if missing.
        sha256: of the content, 64 hex digits or at least the first 8.
        attempts: per URL, while the error is transient.
        timeout_seconds: maximum wait for an HTTP server, to connect and between two reads.

    Returns:
        The file in `folder`. This call has verified its hash.

    Raises:
        UsageError: a URL contains credentials or is not supported, or `sha256` is not a hash.
        ChecksumError: a URL delivered another file; nothing is saved.
        DownloadError: no URL has the file; the message has the reason for each.
    """
    digest = check_sha256(sha256)
    for url in urls:
        check_url(url)
    name = posixpath.basename(urlsplit(urls[-1]).path)
    cached = folder / f"{digest[:MIN_HASH_DIGITS]}-{name}"
    if cached.is_file():
        if compute_sha256(cached.read_bytes()).startswith(digest):
            return cached
        _log.warning("%s is damaged: downloading it again", cached)
    content = _fetch_first(urls, digest, StorageLimits(attempts, timeout_seconds))
    write_file(str(cached), content)
    return cached


def check_sha256(text: str) -> str:
    """Check and normalise a sha256, or the start of one.

    Returns:
        The digits in lower case.

    Raises:
        UsageError: it is not 8 to 64 hex digits.
    """
    digest = text.strip().lower()
    if not _HASH.fullmatch(digest):
        raise UsageError(f"sha256 {text!r}: expected {MIN_HASH_DIGITS} to 64 hex digits")
    return digest


def compute_sha256(content: bytes) -> str:
    """Return the sha256 of the content, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def verify(content: bytes, digest: str, origin: str) -> None:
    """Check the hash of a file's content.

    Args:
        content: of the file.
        digest: its expected sha256, or the start of it.
        origin: of the file, used in the error message.

    Raises:
        ChecksumError: the sha256 of `content` does not start with `digest`.
    """
    found = compute_sha256(content)
    if not found.startswith(digest):
        raise ChecksumError(
            f"{origin}: expected sha256 {digest}, got {found} ({len(content)} bytes): not "
            "the expected file; nothing was saved. Check the URL and the hash"
        )


def _fetch_first(urls: Sequence[str], digest: str, limits: StorageLimits) -> bytes:
    reasons = []
    for url in urls:
        try:
            content = read_file(url, limits, limit_bytes=CHECKPOINT_LIMIT_BYTES)
        except OSError as error:  # a StorageError if the URL is remote, the system's own if local
            reasons.append(str(error))
            continue
        # Not skipped: the user must know of a URL that delivers another file.
        verify(content, digest, url)
        return content
    raise DownloadError("could not be downloaded: " + "; ".join(reasons))
