"""Functions that tests run in separate processes, which they can kill."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from srcnn.destination.lock.acquire import hold
from srcnn.errors import DestinationBusyError
from srcnn.storage.folder import Folder


def compete(url: str, name: str, rounds: int, barrier: Any, wins: Any) -> None:
    """Try to hold a destination, again and again, at the same moment as another process."""
    for number in range(rounds):
        barrier.wait()
        try:
            with hold(Folder(url), name, expires_seconds=20):
                wins.put((number, name))
                barrier.wait()
        except DestinationBusyError:
            barrier.wait()


def upscale(environment: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """Run the upscale flow, untracked, as the command does after its imports."""
    os.environ.update(environment)
    # Already imported by the fork server that this process is a child of.
    from flows.options.upscale import UpscaleOptions  # noqa: PLC0415
    from flows.upscale import batch_upscale  # noqa: PLC0415

    batch_upscale.fn(UpscaleOptions(**options))
