"""Create file systems, with our timeouts, and without retries of their own.

The user's configuration of fsspec applies: `fsspec.config`.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import fsspec
from fsspec.implementations.local import LocalFileSystem

from srcnn.errors import UsageError
from srcnn.extras import Extra, require_extra
from srcnn.storage.gcs_azure_errors import LOGGERS, find_advice
from srcnn.storage.redaction import clean_message
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits
from srcnn.storage.s3_filesystem import S3_SCHEMES, build_s3_options, get_s3_filesystem
from srcnn.storage.url_credentials import check_url
from srcnn.storage.urls import list_schemes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

VERSION_MARK = "?versionId="
"""s3fs cuts a path here, and uses the object that is named before it."""
_EXTRAS: dict[str, Extra] = {"gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}
_SCHEMES = "a path, s3://, gs://, az:// or https://"
# A path that nobody means: outputs would land in a folder "s3:" of this machine.
_ONE_SLASH = re.compile(r"((?:s3a?|gs|gcs|az|abfss?|https?):)/(.*)")


def resolve(url: str, limits: StorageLimits = DEFAULT_LIMITS) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a URL, and the path inside it.

    Args:
        url: path or URL.
        limits: whose timeout its connections get.

    Raises:
        UsageError: the protocol is unknown, or its package is not installed, or its file system
            cannot be created, or the URL contains credentials or the version of an object.
    """
    if "://" not in check_url(url):  # a path; url_to_fs would split it at "::"
        if slip := _ONE_SLASH.match(url):
            raise UsageError(f"{url}: did you mean {slip[1]}//{slip[2]}?")
        local = LocalFileSystem()
        return local, local._strip_protocol(url)  # noqa: SLF001 - what url_to_fs calls
    if url.startswith(tuple(f"{name}://" for name in S3_SCHEMES)):
        if VERSION_MARK in url:
            raise UsageError(f"{url}: versions are not chosen: leave out {VERSION_MARK}...")
        fs = get_s3_filesystem(limits)
        return fs, fs._strip_protocol(url)  # noqa: SLF001 - as above; keys may contain "::"
    _require_extras(url)
    try:
        fs, path = fsspec.core.url_to_fs(
            url,
            **{
                name: options
                for name in list_schemes(url)
                if (options := _build_options(name, limits))
            },
        )
    except (ValueError, TypeError, ImportError, OSError) as error:  # FTP connects at once
        raise UsageError(_explain_unusable(url, error)) from error
    return fs, path


def _explain_unusable(url: str, error: Exception) -> str:
    """Explain why a URL has no file system: its scheme is wrong, or its server or options are."""
    if unknown := sorted(list_schemes(url) - set(fsspec.available_protocols())):
        return f"{url}: unknown scheme {unknown[0]}://: expected {_SCHEMES}"
    advice = (
        find_advice(_EXTRAS.get(url.partition("://")[0])) or f"check the URL, or use {_SCHEMES}"
    )
    return f"{url}: cannot be used: {clean_message(str(error))}: {advice}"


def _require_extras(url: str) -> None:
    for scheme in list_schemes(url):
        if extra := _EXTRAS.get(scheme):
            require_extra(extra, f"{scheme}://")
            _silence_loggers()


def _silence_loggers() -> None:
    """Keep loggers from repeating, with tracebacks, what is raised and logged in words."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:  # GCSFS_DEBUG sets it, too
            logger.setLevel(logging.CRITICAL + 1)


def is_local(fs: AbstractFileSystem) -> bool:
    """Whether files are on this machine's disks."""
    return isinstance(fs, LocalFileSystem)


def is_s3(fs: AbstractFileSystem) -> bool:
    """Whether it is S3, for which listings and writes have cheaper requests of their own."""
    return "s3" in fs.protocol


def _build_options(name: str, limits: StorageLimits) -> dict[str, Any]:
    if name in S3_SCHEMES:
        return build_s3_options(limits)
    if name in ("http", "https"):
        return _build_http_options(limits)
    return {}  # others keep their own limits


def _build_http_options(limits: StorageLimits) -> dict[str, Any]:
    # No total limit: a slow connection is not a failure.
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=limits.timeout_seconds, sock_read=limits.timeout_seconds
    )
    # trust_env: HTTPS_PROXY and NO_PROXY apply.
    return {"client_kwargs": {"timeout": timeout, "trust_env": True}}
