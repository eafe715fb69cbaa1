"""What the exceptions of s3fs, botocore and aiohttp mean, and what to do about each: one table.

For those without a response from a server; `explain_http_error.py` has the others.
"""

from __future__ import annotations

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
from srcnn.storage.redaction import clean_message
from srcnn.storage.s3_error_codes import PROXY_ADVICE
from srcnn.storage.storage_failure import StorageFailure

# Exceptions without a response from a server: our error and its message. The first match counts.
_MEANINGS: tuple[tuple[tuple[type[Exception], ...], type[SrcnnError], str], ...] = (
    # botocore asks for the bucket's region, and again where that is redirected too.
    ((RecursionError,), StorageError, "the server redirects every request"),
    ((boto.ProxyConnectionError,), StorageUnavailableError, "the proxy cannot be used: {text}"),
    (
        (boto.InvalidProxiesConfigError, aiohttp.ClientHttpProxyError),
        StorageError,
        "the proxy cannot be used: {text}",
    ),
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
    # Its text quotes the line that cannot be parsed.
    ((boto.ConfigParseError,), UsageError, "the configuration of AWS cannot be parsed"),
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
    ((aiohttp.TooManyRedirects,), StorageError, "the server redirects without end"),
    (
        (aiohttp.NonHttpUrlRedirectClientError, aiohttp.InvalidUrlRedirectClientError),
        StorageError,
        "the server redirects to what is not a URL of http or https",
    ),
    # aiohttp.InvalidURL is also a ValueError.
    ((OSError, boto.BotoCoreError, aiohttp.ClientError), StorageError, "{text}"),
)
_SPECIAL_ADVICE: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((RecursionError,), "check AWS_ENDPOINT_URL (it may need https://) and AWS_REGION"),
    (
        (boto.SSLError, aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError),
        "set AWS_CA_BUNDLE to the file of the CA that signed it, and check AWS_ENDPOINT_URL",
    ),
    (
        (boto.ProxyConnectionError, boto.InvalidProxiesConfigError, aiohttp.ClientHttpProxyError),
        PROXY_ADVICE,
    ),
    (
        (boto.ConfigParseError,),
        "check the files ~/.aws/config and ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE)",
    ),
)


def explain_exception(error: Exception, timeout_seconds: float) -> StorageFailure | None:
    """Explain an exception by its type.

    Args:
        error: of a file system, without a response from a server.
        timeout_seconds: the limit of the call, used in the message.

    Returns:
        The failure; None if the table has no such type.
    """
    for types, kind, message in _MEANINGS:
        if isinstance(error, types):
            name = type(error).__name__
            reason = clean_message(_get_text(error))
            text = message.format(text=reason, name=name, seconds=timeout_seconds)
            return StorageFailure(
                kind, text, kind is StorageUnavailableError, _find_special_advice(error)
            )
    return None


def _find_special_advice(error: Exception) -> str:
    return next((advice for types, advice in _SPECIAL_ADVICE if isinstance(error, types)), "")


def _get_text(error: BaseException) -> str:
    inner = error.kwargs.get("error") if isinstance(error, boto.BotoCoreError) else None
    return str(inner or error) or type(error).__name__
