"""Create the file system of S3, with our timeouts, and without retries of its own.

The user's configuration of fsspec and AWS applies: `fsspec.config`, `AWS_*` variables, profiles.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import fsspec
from fsspec.config import conf
from fsspec.utils import tokenize

from srcnn.errors import UsageError
from srcnn.storage.retries import StorageLimits
from srcnn.storage.url_credentials import check_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

S3_SCHEMES = ("s3", "s3a")
_CONNECTIONS = 32
_LONGEST_CONNECT_SECONDS = 10.0

_built: dict[str, AbstractFileSystem] = {}


def get_s3_filesystem(limits: StorageLimits) -> AbstractFileSystem:
    """Return the client of this process and its credentials: connections do not survive a fork.

    Args:
        limits: whose timeout its connections get.

    Raises:
        UsageError: the endpoint of the environment or of the configuration contains credentials.
    """
    _check_endpoints()
    variables = sorted(pair for pair in os.environ.items() if pair[0].startswith("AWS_"))
    configured = [conf.get(name) for name in S3_SCHEMES]
    key = tokenize(
        os.getpid(), variables, configured, limits.timeout_seconds, limits.s3.requester_pays
    )
    if key not in _built:
        fs = fsspec.filesystem("s3", skip_instance_cache=True, **build_s3_options(limits))
        fs.retries = 1  # s3fs's own; it is read from the class, not from an option
        return _built.setdefault(key, fs)  # another thread may have built one
    return _built[key]


def _check_endpoints() -> None:
    """Refuse an endpoint with a password, which would end up in errors.

    Raises:
        UsageError: it contains credentials; the message names the variable alone.
    """
    given = {name: os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")}
    for name in S3_SCHEMES:
        options = conf.get(name, {})
        given[f"endpoint_url of {name}"] = options.get("endpoint_url")
        given[f"client_kwargs of {name}"] = options.get("client_kwargs", {}).get("endpoint_url")
    for name, url in given.items():
        try:
            check_url(url or "s3://")
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None


def build_s3_options(limits: StorageLimits) -> dict[str, Any]:
    """Return the options of s3fs's file system.

    Args:
        limits: whose timeout its connections get.
    """
    configured: dict[str, Any] = {}
    for name in S3_SCHEMES:  # a given option replaces the whole configured one, so merge them
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
    for name in S3_SCHEMES:
        configured |= conf.get(name, {}).get("client_kwargs", {})
    region = os.environ.get("AWS_REGION")
    return ({"region_name": region} if region else {}) | configured
