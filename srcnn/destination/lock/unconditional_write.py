"""Write a lock file where the server keeps no conditions: under a number that nobody else has."""

from __future__ import annotations

import random
import time

from srcnn.destination.lock.lock_files import LockFiles
from srcnn.destination.lock.owner import Holder

# For servers whose listings lag behind.
_PAUSE_SECONDS = 5.0
_STEPS = 10**9


def write_unconditionally(files: LockFiles, number: int, holder: Holder) -> int:
    """Write our file under a number that no other run has; return the number.

    Args:
        files: of the destination.
        number: the next one; the result is above it.
        holder: this run.

    Raises:
        OSError: the destination cannot be written.
    """
    number += random.randrange(1, _STEPS)  # noqa: S311 - no secret
    files.write(number, holder.to_json())
    time.sleep(_PAUSE_SECONDS)
    return number
