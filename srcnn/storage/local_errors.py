"""Failed calls to a local file system as our errors: what the system says, and what to do."""

from __future__ import annotations

import errno
import os

from srcnn.errors import AccessDeniedError, StorageError

_LOCAL_ADVICE = {
    errno.ENOSPC: ": free some space, and run again",
    errno.EDQUOT: ": free some space, or raise the quota, and run again",
    errno.ENXIO: ": no process reads from it",
    errno.EMFILE: ": raise the limit of open files (ulimit -n)",
}
# Where a name is at fault, what the system says is not enough to mend it.
_IN_THE_WAY = (
    "a file is in the place of one of its folders: rename one of them, or write to a bucket"
)
_LOCAL_REASONS = {
    errno.ENAMETOOLONG: "its name is too long for this file system, which takes up to 255 bytes "
    "between two slashes, and 4,096 in all, as most do: shorten the name, or write to a bucket",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: "expected a plain file, got a folder: rename one of them, or write to a bucket",
    errno.EILSEQ: "this file system takes only names in UTF-8: rename the file",
}


def build_local_error(error: OSError, path: str, action: str) -> StorageError:
    """Build the error for a failed call to a local file system: the same, in a sentence.

    Args:
        error: of the system; its number is kept.
        path: of the file.
        action: for "cannot be ...": "opened", "read", "written".
    """
    denied = isinstance(error, PermissionError)
    number = error.errno or 0
    reason = _LOCAL_REASONS.get(number) or (os.strerror(number) if number else str(error))
    advice = _LOCAL_ADVICE.get(number, "")
    text = f"{path}: cannot be {action}: {reason}{advice}"
    mapped = AccessDeniedError(text) if denied else StorageError(text)
    mapped.errno = error.errno
    return mapped
