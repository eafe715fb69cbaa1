"""What the exceptions of gcsfs and adlfs mean, without importing either: they are optional."""

from __future__ import annotations

import sys

from srcnn.errors import (
    AccessDeniedError,
    SourceMissingError,
    StorageError,
    StorageUnavailableError,
)
from srcnn.storage.redaction import clean_message
from srcnn.storage.storage_failure import StorageFailure

_GOOGLE_ADVICE = "check GOOGLE_APPLICATION_CREDENTIALS, and what its account may do"
_AZURE_ADVICE = (
    "check AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with "
    "AZURE_STORAGE_ACCOUNT_KEY"
)
_ADVICE = {"gs": _GOOGLE_ADVICE, "az": _AZURE_ADVICE}
LOGGERS = ("gcsfs", "azure")
# Module and class of each exception that is no OSError, and the advice where access is denied.
_EXCEPTIONS = (
    ("gcsfs.retry", "HttpError", _GOOGLE_ADVICE),
    ("google.auth.exceptions", "GoogleAuthError", _GOOGLE_ADVICE),
    ("azure.core.exceptions", "AzureError", _AZURE_ADVICE),
)
_DENIED = {401, 403}
_AZURE_DENIED = "ClientAuthenticationError"
_MISSING = 404
_TRANSIENT = {408, 429, 500, 502, 503, 504}


def find_advice(extra: str | None) -> str | None:
    """Return what to check where a file system of an extra cannot be created; None for others."""
    return _ADVICE.get(extra or "")


def list_cloud_exceptions() -> tuple[type[Exception], ...]:
    """List the types that gcsfs and adlfs may raise; none of a package that is not loaded."""
    return tuple(
        getattr(sys.modules[module], name)
        for module, name, _ in _EXCEPTIONS
        if module in sys.modules
    )


def explain_cloud_error(error: Exception) -> StorageFailure | None:
    """Explain an exception of gcsfs or adlfs; None if it is of another library.

    Args:
        error: any exception.
    """
    for module, name, advice in _EXCEPTIONS:
        if module in sys.modules and isinstance(error, getattr(sys.modules[module], name)):
            return _explain(error, advice)
    return None


def _explain(error: Exception, advice: str) -> StorageFailure:
    status = _get_status(error)
    text = clean_message(next(iter(str(error).splitlines()), "")) or type(error).__name__
    if status in _DENIED or _lacks_credentials(error):
        return StorageFailure(AccessDeniedError, f"access denied ({text}): {advice}")
    if status == _MISSING:
        return StorageFailure(SourceMissingError, "no such file")
    # Without a response, the connection failed.
    if status is None or status in _TRANSIENT:
        return StorageFailure(StorageUnavailableError, text, is_transient=True)
    return StorageFailure(StorageError, text)


def _lacks_credentials(error: Exception) -> bool:
    """Whether no request was sent, since no credentials were found."""
    kind = type(error)
    return kind.__module__.startswith("google.auth") or kind.__name__ == _AZURE_DENIED


def _get_status(error: Exception) -> int | None:
    """Return the status of the response: gcsfs's `code`, the Azure SDK's `status_code`."""
    status = str(getattr(error, "status_code", None) or getattr(error, "code", None))
    return int(status) if status.isdecimal() else None
