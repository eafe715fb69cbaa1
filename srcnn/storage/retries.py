"""The one place where a call to a file system is tried again, and where its failure gets words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import stamina

from srcnn.errors import (
    AccessDeniedError,
    SourceMissingError,
    SrcnnError,
    StorageError,
    StorageUnavailableError,
    UsageError,
)
from srcnn.storage.error_mapping import RAISED, Reason, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0
_ADVICE: dict[type[SrcnnError], str] = {
    AccessDeniedError: "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and what "
    "they may do there",
    StorageUnavailableError: "check the network and AWS_ENDPOINT_URL, and run again",
    StorageError: "check AWS_ENDPOINT_URL and the server",
    UsageError: "correct it",
    SourceMissingError: "check its name",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StorageLimits:
    """How patient calls to remote storage are; local folders are asked once.

    Attributes:
        attempts: how often a call is tried while its failure may pass, 1 or more.
        timeout_seconds: longest silence of a server, to connect and between two reads.
    """

    attempts: int = 5
    timeout_seconds: float = 60.0


DEFAULT_LIMITS = StorageLimits()


class _PassingError(Exception):
    """A failure that may be gone in a moment; its argument is the reason."""


def ask(call: Callable[[], T], url: str, doing: str, limits: StorageLimits) -> T:
    """Call a file system, again while its failure may pass; what remains is an error of ours.

    The pauses grow from about a second to 20, with a random part.

    Args:
        call: the whole operation; it must be safe to repeat.
        url: what it is about, for texts.
        doing: what is done to it: "read", "written", "listed".
        limits: how patient to be.

    Raises:
        SourceMissingError: there is no such file or bucket.
        AccessDeniedError: the credentials are missing, wrong, or not enough.
        StorageUnavailableError: the last attempt failed as those before.
        StorageError: anything else that the storage said.
        UsageError: a name or an endpoint is none.
    """
    try:
        for attempt in stamina.retry_context(
            on=_PassingError,
            attempts=limits.attempts,
            timeout=None,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_max=_LONGEST_WAIT_SECONDS,
        ):
            with attempt:
                return _once(call, url, doing, limits, attempt.num)
    except _PassingError as error:
        tried = f" ({limits.attempts} attempts)" if limits.attempts > 1 else ""
        # `from None`: what libraries say may name the signed address of a redirect.
        raise _told(url, f"cannot be {doing}: ", error.args[0], tried) from None
    raise AssertionError("unreachable: the last attempt returns or raises")


def _once(
    call: Callable[[], T], url: str, doing: str, limits: StorageLimits, attempt_number: int
) -> T:
    try:
        return call()
    except RAISED as error:
        reason = None if isinstance(error, SrcnnError) else reason_of(error, limits.timeout_seconds)
        if reason is None:
            raise
    if not reason.passes:
        missing = reason.kind is SourceMissingError
        raise _told(url, "" if missing else f"cannot be {doing}: ", reason, "") from None
    if attempt_number < limits.attempts:
        follows = f"attempt {attempt_number + 1} of {limits.attempts} follows"
        _log.warning("%s: cannot be %s: %s; %s", url, doing, reason.text, follows)
    raise _PassingError(reason)


def _told(url: str, verb: str, reason: Reason, tried: str) -> SrcnnError:
    # The advice is for S3; elsewhere the reason has to do.
    advice = f": {_ADVICE[reason.kind]}" if url.startswith(("s3://", "s3a://")) else ""
    return reason.kind(f"{url}: {verb}{reason.text}{tried}{advice}")
