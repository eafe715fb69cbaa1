"""Map exceptions of file systems to failures, and say which of these are transient.

s3fs, botocore and aiohttp raise their own types, and some are not OSErrors.
"""

from __future__ import annotations

import aiohttp
from botocore import exceptions as boto

from srcnn.errors import StorageError, UsageError
from srcnn.storage.explain_client_error import explain_exception
from srcnn.storage.explain_http_error import explain_response
from srcnn.storage.gcs_azure_errors import explain_cloud_error
from srcnn.storage.storage_failure import StorageFailure

# What file systems raise. Anything else is a bug of ours, and propagates unchanged.
STORAGE_EXCEPTIONS = (
    OSError,
    boto.BotoCoreError,
    boto.ClientError,
    aiohttp.ClientError,
    RecursionError,
    ValueError,
)
_UNREADABLE_HEADER = "the server's response has a header that is not UTF-8"
_UNREADABLE_HEADER_ADVICE = (
    "its Content-Disposition or user metadata may be in Latin-1: store them again, in ASCII"
)


def explain_error(error: Exception, timeout_seconds: float) -> StorageFailure | None:
    """Explain an exception of a file system.

    Args:
        error: one of `STORAGE_EXCEPTIONS`, or of `list_cloud_exceptions`.
        timeout_seconds: the limit of the call, used in the message.

    Returns:
        The failure; None if the exception is not a failure of a file system.
    """
    if failure := explain_cloud_error(error) or explain_response(error):
        return failure
    if isinstance(error, UnicodeEncodeError):
        return StorageFailure(UsageError, "its name is not UTF-8", advice="rename it")
    if _has_unreadable_header(error):
        return StorageFailure(StorageError, _UNREADABLE_HEADER, advice=_UNREADABLE_HEADER_ADVICE)
    if failure := explain_exception(error, timeout_seconds):
        return failure
    if str(error).startswith("Invalid endpoint"):  # botocore's ValueError
        return StorageFailure(UsageError, "AWS_ENDPOINT_URL is not a valid URL")
    return None


def _has_unreadable_header(error: Exception) -> bool:
    """Whether aiobotocore could not decode the headers of a response, at any attempt."""
    return isinstance(error, boto.HTTPClientError) and isinstance(
        error.kwargs.get("error"), UnicodeDecodeError
    )
