"""Process shards in a worker: load the model once, return results, write the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cachetools import LRUCache, cached

from srcnn.batch.cancellation import Cancellation
from srcnn.batch.copy_repeats import Repeats
from srcnn.batch.resources import WorkerResources, create_resources
from srcnn.batch.shard import ShardProcessor
from srcnn.destination.recorder import Recorder
from srcnn.image_task import ImageResult, ImageTask
from srcnn.inference.config import InferenceConfig
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Job, ModelRef
from srcnn.model.model_file import load_model
from srcnn.model.pixel_format import StatedPixels
from srcnn.storage.retries import StorageLimits

# One run at a time works in a process; a later one may bring another model. What is loaded for a
# run serves its planning and all its shards in this process.
_upscalers: LRUCache[tuple[ModelRef, InferenceConfig], Upscaler] = LRUCache(1)
_loading = threading.Lock()


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        results: one for each image, in order.
        unrecorded: why the ledger could not be written; its images will be processed again.
        fatal: why the run cannot go on: its storage went away.
    """

    results: list[ImageResult]
    unrecorded: str | None = None
    fatal: str | None = None


def open_model(
    url: str, stated: StatedPixels, inference: InferenceConfig, storage: StorageLimits
) -> ModelRef:
    """Read and describe a model, once for the whole run; this process keeps its upscaler.

    Args:
        url: of the ONNX file, or `bundled`.
        stated: by the user, about its pixels.
        inference: how it is run.
        storage: how patient calls to storage are.

    Raises:
        ModelError: the model cannot serve.
        SourceMissingError: there is no such file.
        UsageError: the provider is not available.
    """
    model = load_model(url, storage)
    upscaler = Upscaler.from_model(model, inference, stated)
    ref = ModelRef(url, model.sha256, upscaler.info, stated)
    with _loading:
        _upscalers[ref, inference] = upscaler
    return ref


def get_upscaler(job: Job) -> Upscaler:
    """Return the job's upscaler, built once per process.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider is not available.
    """
    key = (job.model, job.inference)
    with _loading:
        if key not in _upscalers:
            model = load_model(job.model.url, job.destination.limits, job.model.sha256)
            _upscalers[key] = Upscaler(model, job.model.graph, job.inference)
        return _upscalers[key]


@cached(
    LRUCache(1),
    key=lambda job: (job.model, job.inference, job.limits),
    condition=threading.Condition(),  # of threads that ask at a time, one creates them
)
def get_resources(job: Job) -> WorkerResources:
    """Return what the job's shards share in this process, created once.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider is not available.
    """
    upscaler = get_upscaler(job)
    return create_resources(upscaler, job.inference.thread_count, job.limits)


def process_shard(
    job: Job,
    shard: Sequence[ImageTask],
    cancellation: Cancellation,
    on_result: Callable[[ImageResult], None] = lambda _: None,
) -> ShardResult:
    """Process a shard's images, record them, and return what became of each.

    Args:
        job: what all images share.
        shard: the images.
        cancellation: ends the shard early.
        on_result: called with each result as soon as it is known, from this thread.

    Raises:
        ModelError: the model cannot serve.
    """
    resources = get_resources(job)
    results: dict[str | None, ImageResult] = {}
    with Recorder(job.destination, job.run_id) as recorder:
        repeats = _get_repeats(job.run_id, job.destination.url)
        processor = ShardProcessor(job, resources, cancellation, recorder.add, repeats)
        for result in processor.process(shard):
            results[result.output] = result
            on_result(result)
    ordered = [results[task.output] for task in shard]
    return ShardResult(ordered, recorder.unrecorded, cancellation.fatal)


@cached(LRUCache(1), lock=threading.Lock())
def _get_repeats(_run_id: str, _destination: str) -> Repeats:
    """Return what this process has made in a run, over all its shards."""
    return Repeats()
