"""Map exceptions of file systems to our errors, and say which failures are transient.

s3fs, botocore and aiohttp raise their own types, and some are not OSErrors. No message here
repeats what could be a secret: the query or the user of a URL, or the output of a credentials
helper.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from srcnn.errors import (
    AccessDeniedError,
    SourceMissingError,
    SrcnnError,
    StorageError,
    StorageUnavailableError,
    UsageError,
)

_ADVICE: dict[type[SrcnnError], str] = {
    AccessDeniedError: "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and the "
    "permissions that they give",
    StorageUnavailableError: "check the network and AWS_ENDPOINT_URL, and run again",
    StorageError: "check AWS_ENDPOINT_URL and the server",
    UsageError: "check its spelling",
    SourceMissingError: "check its name",
}
_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501
_RETRYABLE = {408, 425, 429}
_DENIED = {401, 403}
_MISSING = 404
# S3 error codes that are more specific than the status.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_TRANSIENT_CODES = {
    *("SlowDown", "RequestTimeout", "IncompleteBody", "OperationAborted", "BadDigest"),
    *("Throttling", "ThrottlingException", "RequestLimitExceeded", "XAmzContentSHA256Mismatch"),
}
_DENIED_CODES = {
    *("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"),
    *("SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "AccessDenied"),
}
# Exceptions without a response from a server: our error and its message. The first match counts.
_MEANINGS: tuple[tuple[tuple[type[Exception], ...], type[SrcnnError], str], ...] = (
    (
        (FileNotFoundError, IsADirectoryError, NotADirectoryError),
        SourceMissingError,
        "no such file",
    ),
    (
        (boto.NoCredentialsError, boto.PartialCredentialsError, boto.ProfileNotFound),
        AccessDeniedError,
        "no credentials: {text}",
    ),
    (
        (boto.CredentialRetrievalError, boto.SSOError, boto.TokenRetrievalError),
        AccessDeniedError,
        "no credentials: {name}",  # the text may be the output of a helper
    ),
    ((PermissionError,), AccessDeniedError, "access denied: {text}"),
    ((boto.ParamValidationError,), UsageError, "not a valid S3 bucket or key name"),
    (
        (TimeoutError, boto.ReadTimeoutError, boto.ConnectTimeoutError),
        StorageUnavailableError,
        "no response within {seconds:g} s",
    ),
    (
        (boto.SSLError, aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError),
        StorageError,
        "the server's certificate was rejected: {text}",
    ),
    (
        (
            *(aiohttp.ClientPayloadError, boto.IncompleteReadError, boto.ResponseStreamingError),
            *(boto.ConnectionClosedError, ResponseParserError),
        ),
        StorageUnavailableError,
        "the response was truncated ({name})",
    ),
    (
        (
            *(boto.ConnectionError, boto.HTTPClientError, ConnectionError),
            *(aiohttp.ClientConnectionError, aiohttp.ServerDisconnectedError),
        ),
        StorageUnavailableError,
        "the connection failed: {text}",
    ),
    # aiohttp.InvalidURL is also a ValueError.
    ((OSError, boto.BotoCoreError, aiohttp.ClientError), StorageError, "{text}"),
)
# What file systems raise. Anything else is a bug of ours, and propagates unchanged.
STORAGE_EXCEPTIONS = (
    OSError,
    boto.BotoCoreError,
    boto.ClientError,
    aiohttp.ClientError,
    ValueError,
)


@dataclass(frozen=True)
class StorageFailure:
    """Why a call to a file system failed.

    Attributes:
        kind: the error to raise.
        text: the reason, for the message.
        is_transient: whether another attempt may succeed.
    """

    kind: type[SrcnnError]
    text: str
    is_transient: bool = False


def explain_error(error: Exception, timeout_seconds: float) -> StorageFailure | None:
    """Explain an exception of a file system.

    Args:
        error: one of `STORAGE_EXCEPTIONS`.
        timeout_seconds: the limit of the call, used in the message.

    Returns:
        The failure; None if the exception is not a failure of a file system.
    """
    response = _read_response(error)
    if response is not None:
        return _explain_response(*response)
    for types, kind, message in _MEANINGS:
        if isinstance(error, types):
            name = type(error).__name__
            text = message.format(text=_redact(error), name=name, seconds=timeout_seconds)
            return StorageFailure(kind, text, is_transient=kind is StorageUnavailableError)
    if str(error).startswith("Invalid endpoint"):  # botocore's ValueError
        return StorageFailure(UsageError, "AWS_ENDPOINT_URL is not a valid URL")
    return None


def _read_response(error: BaseException) -> tuple[int, str, str] | None:
    """Return status, code and message of the server's response, if there was one."""
    if isinstance(error, aiohttp.ClientResponseError):  # its text contains the URL
        return error.status, "", error.message
    # s3fs raises builtin exceptions, with the response as their cause.
    for each in (error, error.__cause__):
        if isinstance(each, boto.ClientError):
            status = each.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            details = each.response.get("Error", {})
            return status, str(details.get("Code", "")), str(details.get("Message", ""))
    return None


def _explain_response(status: int, code: str, message: str) -> StorageFailure:
    name = "" if code.isdigit() else code
    response = f"HTTP status {status} {name or message}".rstrip()
    if status in _DENIED or code in _DENIED_CODES:
        return StorageFailure(AccessDeniedError, f"access denied ({response})")
    if status == _MISSING:
        what = "bucket" if code == "NoSuchBucket" else "file"
        return StorageFailure(SourceMissingError, f"no such {what}")
    is_server_error = status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED
    if is_server_error or status in _RETRYABLE or code in _TRANSIENT_CODES:
        return StorageFailure(StorageUnavailableError, response, is_transient=True)
    return StorageFailure(StorageError, f"{response}: {message}" if name else response)


def _redact(error: BaseException) -> str:
    """Return the text of an exception, without the users and queries of its URLs."""
    inner = error.kwargs.get("error") if isinstance(error, boto.BotoCoreError) else None
    text = str(inner or error)
    text = re.sub(r"(://)[^/\s@]*@", r"\1", " ".join(text.split()))
    return re.sub(r"\?[^\s\"']*", "", text) or type(error).__name__


def build_error(url: str, verb: str, failure: StorageFailure, tried: str) -> SrcnnError:
    """Build the error for a failure, with what to do about it.

    Args:
        url: that was accessed.
        verb: what could not be done, such as "cannot be read: "; empty for a missing file.
        failure: why.
        tried: how often, such as " (5 attempts)"; empty for once.
    """
    # The advice is for S3 only.
    advice = f": {_ADVICE[failure.kind]}" if url.startswith(("s3://", "s3a://")) else ""
    return failure.kind(f"{url}: {verb}{failure.text}{tried}{advice}")
