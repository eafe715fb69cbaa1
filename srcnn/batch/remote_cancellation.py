"""Cancel work in another process when its run ends, by the destination's lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from srcnn.batch.cancellation import Cancellation
from srcnn.destination.lock.watch import watch
from srcnn.job import Job
from srcnn.storage.folder import Folder

_POLL_SECONDS = 5.0


@contextmanager
def follow_lock(job: Job) -> Iterator[Cancellation]:
    """Yield a cancellation that follows the lock while the body runs.

    It also ends a run that nobody leads any more (its process died, or another run took its
    destination): work that continued would overwrite what others write.

    Args:
        job: whose run holds the destination.
    """
    cancellation, done = Cancellation(), threading.Event()
    poll = partial(_poll, job.destination, job.run_id, cancellation)
    poll()

    def follow() -> None:
        while not done.wait(_POLL_SECONDS) and not cancellation.drops_images:
            poll()

    thread = threading.Thread(target=follow, name="follow-lock", daemon=True)
    thread.start()
    try:
        yield cancellation
    finally:
        done.set()
        thread.join()


def _poll(destination: Folder, run_id: str, cancellation: Cancellation) -> None:
    try:
        state = watch(destination, run_id)
    except OSError:  # an unreadable storage says nothing about the run
        return
    if state == "stopping":
        cancellation.cancel("the run was ended")
    elif state == "dropping":
        cancellation.cancel("the run was ended", drop=True)
    elif state == "lost":
        reason = "the run has lost its lock on the destination"
        cancellation.cancel(reason, drop=True, fatal=True)
