"""How work in another process hears that its run ended: by the destination's lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from srcnn.batch.cancellation import Control
from srcnn.destination.lock.watch import watch
from srcnn.job import Job
from srcnn.storage.folder import Folder

_LOOK_SECONDS = 5.0


@contextmanager
def followed(job: Job) -> Iterator[Control]:
    """A control that follows the lock while the body runs.

    A run that nobody leads any more (its process died, another took its destination) ends
    here too: what goes on after a cancellation would write over what others write.

    Args:
        job: whose run holds the destination.
    """
    run, done = Control(), threading.Event()
    dst = Folder(job.dst, job.storage)
    _look(dst, job.run_id, run)

    def follow() -> None:
        while not done.wait(_LOOK_SECONDS) and not run.drop.is_set():
            _look(dst, job.run_id, run)

    thread = threading.Thread(target=follow, name="follow-lock", daemon=True)
    thread.start()
    try:
        yield run
    finally:
        done.set()
        thread.join()


def _look(dst: Folder, run_id: str, run: Control) -> None:
    try:
        state = watch(dst, run_id)
    except OSError:  # a storage that cannot be read says nothing of the run
        return
    if state == "stopping":
        run.end("the run was ended")
    elif state == "dropping":
        run.end("the run was ended", drop=True)
    elif state == "lost":
        run.end("the run does not hold its destination any more", drop=True, fatal=True)
