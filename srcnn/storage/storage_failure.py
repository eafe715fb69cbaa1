"""Why a call to a file system failed, and the error that a user reads."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class StorageFailure:
    """Why a call to a file system failed.

    Attributes:
        kind: the error to raise.
        text: the reason, for the message.
        is_transient: whether another attempt may succeed.
        advice: what to do, where the storage is S3.
    """

    kind: type[SrcnnError]
    text: str
    is_transient: bool = False
    advice: str = ""


def build_error(url: str, verb: str, failure: StorageFailure, tried: str) -> SrcnnError:
    """Build the error for a failure, with what to do about it.

    Args:
        url: that was accessed.
        verb: what could not be done, such as "cannot be read: "; empty for a missing file.
        failure: why.
        tried: how often, such as " (5 attempts)"; empty for once.
    """
    # The advice is for S3 only.
    advice = (
        f": {failure.advice or _ADVICE[failure.kind]}"
        if url.startswith(("s3://", "s3a://"))
        else ""
    )
    return failure.kind(f"{url}: {verb}{failure.text}{tried}{advice}")
