"""Retry calls to file systems; nothing else does."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import stamina

from srcnn.errors import (
    SourceMissingError,
    SrcnnError,
)
from srcnn.printable_text import one_line
from srcnn.storage.explain_error import STORAGE_EXCEPTIONS, explain_error
from srcnn.storage.gcs_azure_errors import list_cloud_exceptions
from srcnn.storage.s3_options import S3Options
from srcnn.storage.storage_failure import build_error

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StorageLimits:
    """Limits of calls to remote storage; calls to local folders are never retried.

    Attributes:
        attempts: per call, while the failure is transient; 1 or more.
        timeout_seconds: maximum wait for a server, to connect and between two reads.
        s3: how objects are stored; here, as it goes wherever the limits go.
    """

    attempts: int = 5
    timeout_seconds: float = 60.0
    s3: S3Options = field(default_factory=S3Options)


DEFAULT_LIMITS = StorageLimits()


class _TransientError(Exception):
    """A failure that another attempt may not have; its argument is the `StorageFailure`."""


def call_with_retries(call: Callable[[], T], url: str, action: str, limits: StorageLimits) -> T:
    """Call a file system, and retry while its failure is transient.

    The waits between attempts grow from about a second to 20, with a random part.

    Args:
        call: the whole operation; it must be safe to repeat.
        url: of the file or folder, used in error messages.
        action: for "cannot be ..." in error messages: "read", "written", "listed", "removed".
        limits: attempts and timeout.

    Returns:
        What `call` returns.

    Raises:
        SourceMissingError: there is no such file or bucket.
        AccessDeniedError: the credentials are missing, wrong, or not enough.
        StorageUnavailableError: every attempt failed with a transient failure.
        StorageError: any other failure of the storage.
        UsageError: the name or the endpoint is not valid.
    """
    try:
        for attempt in stamina.retry_context(
            on=_TransientError,
            attempts=limits.attempts,
            timeout=None,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_max=_LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return _call_once(call, url, action, limits, attempt.num)
    except _TransientError as error:
        tried = f" ({limits.attempts} attempts)" if limits.attempts > 1 else ""
        # `from None`: messages of libraries may contain the signed URL of a redirect.
        raise build_error(url, f"cannot be {action}: ", error.args[0], tried) from None
    raise AssertionError("unreachable: the last attempt returns or raises")


def _call_once(
    call: Callable[[], T], url: str, action: str, limits: StorageLimits, attempt_number: int
) -> T:
    try:
        return call()
    except (*STORAGE_EXCEPTIONS, *list_cloud_exceptions()) as error:
        if isinstance(error, SrcnnError):
            raise
        failure = explain_error(error, limits.timeout_seconds)
        if failure is None:
            raise
    if not failure.is_transient:
        missing = failure.kind is SourceMissingError
        raise build_error(url, "" if missing else f"cannot be {action}: ", failure, "") from None
    if attempt_number < limits.attempts:
        retry = f"retrying (attempt {attempt_number + 1} of {limits.attempts})"
        _log.warning("%s: cannot be %s: %s; %s", one_line(url), action, failure.text, retry)
    raise _TransientError(failure)
