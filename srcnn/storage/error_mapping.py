"""What an exception of a file system means: in our words, and whether it may pass.

s3fs, botocore and aiohttp raise kinds of their own, and some are no OSError. No text here
repeats what could be a secret: the query and the user of an URL, or what a credentials
helper printed.
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

_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501
_TRY_LATER = {408, 425, 429}
_DENIED = {401, 403}
_MISSING = 404
# Codes of S3 that say more than their status.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_PASSING_CODES = {
    *("SlowDown", "RequestTimeout", "IncompleteBody", "OperationAborted", "BadDigest"),
    *("Throttling", "ThrottlingException", "RequestLimitExceeded", "XAmzContentSHA256Mismatch"),
}
_DENIED_CODES = {
    *("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"),
    *("SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "AccessDenied"),
}
# Exceptions without an answer of a server: what they mean, and in what words. The first that
# fits counts.
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
        "no credentials: {name}",  # the text may be what a helper printed
    ),
    ((PermissionError,), AccessDeniedError, "access denied: {text}"),
    ((boto.ParamValidationError,), UsageError, "S3 takes no bucket or key of this name"),
    (
        (TimeoutError, boto.ReadTimeoutError, boto.ConnectTimeoutError),
        StorageUnavailableError,
        "no answer within {seconds:g} s",
    ),
    (
        (boto.SSLError, aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError),
        StorageError,
        "the server's certificate is refused: {text}",
    ),
    (
        (
            *(aiohttp.ClientPayloadError, boto.IncompleteReadError, boto.ResponseStreamingError),
            *(boto.ConnectionClosedError, ResponseParserError),
        ),
        StorageUnavailableError,
        "the answer was cut short ({name})",
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
# What file systems raise. Anything else is a mistake of ours, and stays what it is.
RAISED = (OSError, boto.BotoCoreError, boto.ClientError, aiohttp.ClientError, ValueError)


@dataclass(frozen=True)
class Reason:
    """Why a call failed.

    Attributes:
        kind: our error for it.
        text: for people.
        passes: it may be gone in a moment.
    """

    kind: type[SrcnnError]
    text: str
    passes: bool = False


def reason_of(error: Exception, timeout_seconds: float) -> Reason | None:
    """What an exception of a file system means.

    Args:
        error: one of `RAISED`.
        timeout_seconds: the limit that held, for the text.

    Returns:
        None where it is no failure of a file system.
    """
    answer = _answer(error)
    if answer is not None:
        return _of_answer(*answer)
    for types, kind, words in _MEANINGS:
        if isinstance(error, types):
            name = type(error).__name__
            text = words.format(text=_text(error), name=name, seconds=timeout_seconds)
            return Reason(kind, text, passes=kind is StorageUnavailableError)
    if str(error).startswith("Invalid endpoint"):  # botocore's ValueError
        return Reason(UsageError, "AWS_ENDPOINT_URL is no URL of a server")
    return None


def _answer(error: BaseException) -> tuple[int, str, str] | None:
    """Status, code and message of the server's answer, where it gave one."""
    if isinstance(error, aiohttp.ClientResponseError):  # its own text repeats the address
        return error.status, "", error.message
    # s3fs raises builtin exceptions from the answer that they stand for.
    for each in (error, error.__cause__):
        if isinstance(each, boto.ClientError):
            status = each.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            told = each.response.get("Error", {})
            return status, str(told.get("Code", "")), str(told.get("Message", ""))
    return None


def _of_answer(status: int, code: str, message: str) -> Reason:
    name = "" if code.isdigit() else code
    told = f"HTTP status {status} {name or message}".rstrip()
    if status in _DENIED or code in _DENIED_CODES:
        return Reason(AccessDeniedError, f"access denied ({told})")
    if status == _MISSING:
        what = "bucket" if code == "NoSuchBucket" else "file"
        return Reason(SourceMissingError, f"no such {what}")
    passes = status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED
    if passes or status in _TRY_LATER or code in _PASSING_CODES:
        return Reason(StorageUnavailableError, told, passes=True)
    return Reason(StorageError, f"{told}: {message}" if name else told)


def _text(error: BaseException) -> str:
    """The text of an exception without queries and users of URLs."""
    inner = error.kwargs.get("error") if isinstance(error, boto.BotoCoreError) else None
    text = str(inner or error)
    text = re.sub(r"(://)[^/\s@]*@", r"\1", " ".join(text.split()))
    return re.sub(r"\?[^\s\"']*", "", text) or type(error).__name__
