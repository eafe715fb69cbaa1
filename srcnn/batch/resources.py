"""What all shards in a process share: the model, the cores, and room for what is in hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from srcnn.batch.memory_gate import Room
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Job
from srcnn.runtime.cores import pool, usable_cores, usable_memory

P = ParamSpec("P")
R = TypeVar("R")

# Three rooms fill three eighths of the memory at the most; the rest is for tiles and libraries.
_SHARE_OF_MEMORY = 8
# While some are computed, others wait for the interpreter, or for their next part's turn.
_PICTURES_PER_CORE = 3


@dataclass(frozen=True)
class Workshop:
    """An image goes from room to room; its own thread waits while the cores work on it.

    Attributes:
        upscaler: the job's.
        cores: the pool that computes; see `srcnn.runtime.cores.pool`.
        hands: one thread for each image in hand, which reads, waits and writes.
        files: room for files that are read, and not yet begun.
        pictures: room for what is decoded, until its file is made.
        outputs: room for files that are being written.
    """

    upscaler: Upscaler
    cores: Executor
    hands: Executor
    files: Room
    pictures: Room
    outputs: Room

    def compute(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call on one of the cores, and wait for it.

        Args:
            call: leaf work: it waits for nothing that is computed.
            args: its arguments.
            kwargs: likewise.
        """
        return self.cores.submit(call, *args, **kwargs).result()


def furnish(job: Job, upscaler: Upscaler) -> Workshop:
    """Make room for a job in this process.

    Args:
        job: what all images share.
        upscaler: the job's.
    """
    capacity_bytes = job.buffer_bytes or usable_memory() // _SHARE_OF_MEMORY
    pictures = _PICTURES_PER_CORE * (job.threads or usable_cores())
    return Workshop(
        upscaler,
        cores=pool(job.threads),
        hands=ThreadPoolExecutor(2 * job.transfers + pictures, thread_name_prefix="srcnn-hand"),
        files=Room(job.transfers, capacity_bytes),
        pictures=Room(pictures, capacity_bytes),
        outputs=Room(job.transfers, capacity_bytes),
    )
