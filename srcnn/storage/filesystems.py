"""Create file systems, with our timeouts, and without retries of their own.

The user's configuration of fsspec and AWS applies: `fsspec.config`, `AWS_*` variables, profiles.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import fsspec
from fsspec.config import conf
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import tokenize

from srcnn.errors import UsageError
from srcnn.extras import Extra, require_extra
from srcnn.storage.gcs_azure_errors import LOGGERS, find_advice
from srcnn.storage.redaction import clean_message
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits
from srcnn.storage.url_credentials import check_url
from srcnn.storage.urls import list_schemes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_S3 = ("s3", "s3a")
VERSION_MARK = "?versionId="
"""s3fs cuts a path here, and uses the object that is named before it."""
_EXTRAS: dict[str, Extra] = {"gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}
_SCHEMES = "a path, s3://, gs://, az:// or https://"
# A path that nobody means: outputs would land in a folder "s3:" of this machine.
_ONE_SLASH = re.compile(r"((?:s3a?|gs|gcs|az|abfss?|https?):)/(.*)")
_CONNECTIONS = 32
_LONGEST_CONNECT_SECONDS = 10.0

_built: dict[str, AbstractFileSystem] = {}


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
    if url.startswith(tuple(f"{name}://" for name in _S3)):
        if VERSION_MARK in url:
            raise UsageError(f"{url}: versions are not chosen: leave out {VERSION_MARK}...")
        fs = _get_s3(limits)
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


def _get_s3(limits: StorageLimits) -> AbstractFileSystem:
    """Return the client of this process and its credentials: connections do not survive a fork."""
    _check_endpoints()
    variables = sorted(pair for pair in os.environ.items() if pair[0].startswith("AWS_"))
    configured = [conf.get(name) for name in _S3]
    key = tokenize(
        os.getpid(), variables, configured, limits.timeout_seconds, limits.s3.requester_pays
    )
    if key not in _built:
        fs = fsspec.filesystem("s3", skip_instance_cache=True, **_build_options("s3", limits))
        fs.retries = 1  # s3fs's own; it is read from the class, not from an option
        return _built.setdefault(key, fs)  # another thread may have built one
    return _built[key]


def _check_endpoints() -> None:
    """Refuse an endpoint with a password, which would end up in errors.

    Raises:
        UsageError: it contains credentials; the message names the variable alone.
    """
    given = {name: os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")}
    for name in _S3:
        options = conf.get(name, {})
        given[f"endpoint_url of {name}"] = options.get("endpoint_url")
        given[f"client_kwargs of {name}"] = options.get("client_kwargs", {}).get("endpoint_url")
    for name, url in given.items():
        try:
            check_url(url or "s3://")
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None


def _build_options(name: str, limits: StorageLimits) -> dict[str, Any]:
    if name in _S3:
        return _build_s3_options(limits)
    if name in ("http", "https"):
        return _build_http_options(limits)
    return {}  # others keep their own limits


def _build_s3_options(limits: StorageLimits) -> dict[str, Any]:
    configured: dict[str, Any] = {}
    for name in _S3:  # a given option replaces the whole configured one, so merge them
        configured |= conf.get(name, {}).get("config_kwargs", {})
    ours = {
        "connect_timeout": min(limits.timeout_seconds, _LONGEST_CONNECT_SECONDS),
        "read_timeout": limits.timeout_seconds,
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "max_pool_connections": _CONNECTIONS,
    }
    # max_concurrency 1: a file is read by one GET, without a request for its size.
    return {
        **({"requester_pays": True} if limits.s3.requester_pays else {}),
        "client_kwargs": _build_client_options(),
        "config_kwargs": configured | ours,
        "use_listings_cache": False,
        "max_concurrency": 1,
    }


def _build_client_options() -> dict[str, Any]:
    """Add AWS_REGION to what is configured: botocore reads AWS_DEFAULT_REGION only."""
    configured: dict[str, Any] = {}
    for name in _S3:
        configured |= conf.get(name, {}).get("client_kwargs", {})
    region = os.environ.get("AWS_REGION")
    return ({"region_name": region} if region else {}) | configured


def _build_http_options(limits: StorageLimits) -> dict[str, Any]:
    # No total limit: a slow connection is not a failure.
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=limits.timeout_seconds, sock_read=limits.timeout_seconds
    )
    # trust_env: HTTPS_PROXY and NO_PROXY apply.
    return {"client_kwargs": {"timeout": timeout, "trust_env": True}}
