"""What all shards of a process share: the model, the cores, the threads, and memory gates."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from srcnn.batch.memory_gate import MemoryGate
from srcnn.batch.shared_sources import SharedSources
from srcnn.images.picture import Picture
from srcnn.inference.upscaler import Upscaler
from srcnn.job import ResourceLimits
from srcnn.runtime.cores import measure_image_memory, measure_usable_memory, pool
from srcnn.storage.object_metadata import ObjectMetadata

P = ParamSpec("P")
R = TypeVar("R")

# Three gates admit three eighths of the memory at the most; tiles and libraries take the rest.
_SHARE_OF_MEMORY = 8
# While some are computed, others wait for the interpreter, or for their next step's turn.
_IMAGES_PER_CORE = 3


@dataclass(frozen=True)
class WorkerResources:
    """An image passes the three gates; its thread waits while the cores work on it.

    Attributes:
        upscaler: the job's.
        cores: the pool that computes; see `srcnn.runtime.cores.pool`.
        io_threads: one thread for each image in progress, which reads, waits and writes.
        image_bytes: what one image may take.
        upscaling_bytes: what one image may take while tiles of the model are computed.
        read_gate: bounds files that are read and not yet begun.
        decode_gate: bounds decoded images, until their files are encoded.
        write_gate: bounds files that are being written.
        files: with what is stored about them, of sources that several images are made from.
        pictures: of such sources.
    """

    upscaler: Upscaler
    cores: Executor
    io_threads: Executor
    image_bytes: int
    upscaling_bytes: int
    read_gate: MemoryGate
    decode_gate: MemoryGate
    write_gate: MemoryGate
    files: SharedSources[tuple[bytes, ObjectMetadata]] = field(default_factory=SharedSources)
    pictures: SharedSources[Picture] = field(default_factory=SharedSources)

    def compute(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call on one of the cores, and wait for it.

        Args:
            call: leaf work: it waits for nothing else that is computed there.
            args: its arguments.
            kwargs: its keyword arguments.
        """
        return self.cores.submit(call, *args, **kwargs).result()


def create_resources(upscaler: Upscaler, threads: int, limits: ResourceLimits) -> WorkerResources:
    """Create the threads and gates of this process.

    Args:
        upscaler: the job's.
        threads: that compute.
        limits: what the process may hold.
    """
    capacity_bytes = limits.buffer_bytes or measure_usable_memory() // _SHARE_OF_MEMORY
    transferred_bytes = 2 * capacity_bytes  # at the read and write gates
    free_bytes = measure_image_memory() - transferred_bytes
    images, transfers = _IMAGES_PER_CORE * threads, limits.transfers
    return WorkerResources(
        upscaler,
        cores=pool(threads),
        io_threads=ThreadPoolExecutor(2 * transfers + images, thread_name_prefix="srcnn-io"),
        image_bytes=max(capacity_bytes, free_bytes),
        upscaling_bytes=max(capacity_bytes, free_bytes - upscaler.tiles_bytes),
        read_gate=MemoryGate(transfers, capacity_bytes),
        decode_gate=MemoryGate(images, capacity_bytes),
        write_gate=MemoryGate(transfers, capacity_bytes),
    )
