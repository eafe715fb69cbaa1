"""Fetch a file into a cache folder: verified before it is there, whole or not at all.

Knows nothing of what the file is for. Everything goes through fsspec, so that an
address may be http(s), s3, or a path.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import fsspec
import stamina

from srcnn.errors import ChecksumError, DownloadError, UsageError
from srcnn.files import write_file
from srcnn.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# 8 is what torch.hub's `check_hash` and OpenMMLab put into file names.
MIN_HASH_DIGITS = 8
_HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH_DIGITS},64}}")
_HTTP_TRY_LATER = {408, 425, 429}
_HTTP_SERVER_ERROR = 500
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0

_log = logging.getLogger(__name__)


class _PassingError(DownloadError):
    """A failure that may be gone in a moment."""


class _FinalError(DownloadError):
    """A failure that trying again does not change."""


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
    content = _first_of(urls, digest, attempts, timeout_seconds)
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


def _first_of(urls: Sequence[str], digest: str, attempts: int, timeout_seconds: float) -> bytes:
    reasons = []
    for url in urls:
        try:
            content = _read_patiently(url, attempts, timeout_seconds)
        except _PassingError as error:
            reasons.append(f"{error} ({attempts} attempts)")
            continue
        except _FinalError as error:
            reasons.append(str(error))
            continue
        # Not passed over: an address that answers with something else is for people to know.
        verify(content, digest, url)
        return content
    raise DownloadError("could not be fetched: " + "; ".join(reasons))


def _read_patiently(url: str, attempts: int, timeout_seconds: float) -> bytes:
    for attempt in stamina.retry_context(
        on=_PassingError,
        attempts=attempts,
        timeout=None,
        wait_initial=_FIRST_WAIT_SECONDS,
        wait_max=_LONGEST_WAIT_SECONDS,
    ):
        if attempt.num > 1:
            _log.warning("attempt %d of %d: %s", attempt.num, attempts, url)
        with attempt:
            return _read(url, timeout_seconds)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _read(url: str, timeout_seconds: float) -> bytes:
    """The whole content, in one piece: a cut transfer is started over."""
    try:
        fs, path = fsspec.core.url_to_fs(url, **_options(url, timeout_seconds))
    except (ValueError, ImportError) as error:
        raise UsageError(f"{url}: {error}") from error
    try:
        content: bytes = fs.cat_file(path)
    except Exception as error:  # noqa: BLE001 - each file system raises exceptions of its own
        kind = _PassingError if _may_pass(error) else _FinalError
        # `from None`: the cause may name the signed address of a redirect.
        raise kind(f"{url}: {_reason(error, timeout_seconds)}") from None
    return content


def _options(url: str, timeout_seconds: float) -> dict[str, Any]:
    """What HTTP needs to be told; the other file systems have time limits of their own."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return {}
    # No limit on the whole: a slow line is no failure.
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=timeout_seconds, sock_read=timeout_seconds
    )
    # trust_env: HTTPS_PROXY and NO_PROXY hold here as everywhere.
    return {"client_kwargs": {"timeout": timeout, "trust_env": True}}


def _may_pass(error: Exception) -> bool:
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= _HTTP_SERVER_ERROR or error.status in _HTTP_TRY_LATER
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL):
        return False
    # A body shorter than announced is a ClientPayloadError, a part of ClientError.
    passing = (aiohttp.ClientError, TimeoutError, ConnectionError)
    return isinstance(error, passing)


def _reason(error: Exception, timeout_seconds: float) -> str:
    if isinstance(error, aiohttp.ClientResponseError):  # its own text repeats the address
        return f"HTTP status {error.status} {error.message}".rstrip()
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_seconds:g} s"
    return f"{type(error).__name__}: {error}".rstrip(": ")
