"""Fetch a file into a cache folder: verified before it is there, whole or not at all.

Knows nothing of what the file is for. Everything goes through fsspec, so that an
address may be http(s), s3, or a path.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from srcnn.errors import ChecksumError, DownloadError, UsageError
from srcnn.storage.files import read_file, write_file
from srcnn.storage.retries import StorageLimits
from srcnn.storage.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# 8 is what torch.hub's `check_hash` and OpenMMLab put into file names.
MIN_HASH_DIGITS = 8
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
    """Fetch a file from the first address that has it, unless the cache has it already.

    Args:
        urls: addresses of the same file, in the order to ask; the last path element of the
            last is the file's name.
        folder: where it is kept; made when missing.
        sha256: of the content, 64 hex digits or at least the first 8.
        attempts: how often to try each address while it fails in a way that may pass.
        timeout_seconds: longest silence of an HTTP server, to connect and between two reads.

    Returns:
        The file in `folder`. Its content was hashed in this call.

    Raises:
        UsageError: an address carries credentials or cannot be understood, or `sha256` is
            no such thing.
        ChecksumError: an address delivered something else; nothing of it is kept.
        DownloadError: no address has the file; the text has each one's reason.
    """
    digest = check_sha256(sha256)
    for url in urls:
        check_url(url)
    name = posixpath.basename(urlsplit(urls[-1]).path)
    kept = folder / f"{digest[:MIN_HASH_DIGITS]}-{name}"
    if kept.is_file():
        if sha256_of(kept.read_bytes()).startswith(digest):
            return kept
        _log.warning("%s is damaged: fetching it again", kept)
    content = _first_of(urls, digest, StorageLimits(attempts, timeout_seconds))
    write_file(str(kept), content)
    return kept


def check_sha256(text: str) -> str:
    """A sha256, or the start of one, in lower case.

    Raises:
        UsageError: it is not 8 to 64 hex digits.
    """
    digest = text.strip().lower()
    if not _HASH.fullmatch(digest):
        raise UsageError(f"sha256 {text!r}: expected {MIN_HASH_DIGITS} to 64 hex digits")
    return digest


def sha256_of(content: bytes) -> str:
    """The sha256 of some bytes, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def verify(content: bytes, digest: str, origin: str) -> None:
    """Refuse bytes that are not the promised ones.

    Raises:
        ChecksumError: the sha256 of `content` does not start with `digest`.
    """
    found = sha256_of(content)
    if not found.startswith(digest):
        raise ChecksumError(
            f"{origin}: expected sha256 {digest}, got {found} ({len(content)} bytes): it is not "
            "the file that was promised; nothing was kept. Check the address and the hash"
        )


def _first_of(urls: Sequence[str], digest: str, limits: StorageLimits) -> bytes:
    reasons = []
    for url in urls:
        try:
            content = read_file(url, limits)
        except OSError as error:  # ours for what is far, the system's own for what is near
            reasons.append(str(error))
            continue
        # Not passed over: an address that answers with something else is for people to know.
        verify(content, digest, url)
        return content
    raise DownloadError("could not be fetched: " + "; ".join(reasons))
