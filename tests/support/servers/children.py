"""What tests run in processes of their own, which they can kill."""

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
    """Run the upscale flow, untracked, as the command does once it is loaded."""
    os.environ.update(environment)
    # In a child of a fork server that has imported it already.
    from flows.options.upscale import UpscaleOptions  # noqa: PLC0415
    from flows.upscale import batch_upscale  # noqa: PLC0415

    batch_upscale.fn(UpscaleOptions(**options))
