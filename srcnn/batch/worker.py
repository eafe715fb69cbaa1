"""Process shards in a worker: load the model once, return results, write the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cachetools import LRUCache, cached

from srcnn.batch.cancellation import Cancellation
from srcnn.batch.resources import WorkerResources, create_resources
from srcnn.batch.shard import ShardProcessor
from srcnn.destination import ledger
from srcnn.errors import ModelError
from srcnn.image_task import ImageResult, ImageTask
from srcnn.inference.upscaler import Upscaler
from srcnn.job import InferenceConfig, Job, ModelRef
from srcnn.model.card import Convention
from srcnn.model.model_file import Model, load_model
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


def load_upscaler(
    url: str, convention: Convention | None, inference: InferenceConfig, storage: StorageLimits
) -> tuple[ModelRef, Upscaler]:
    """Read a model and build its session, for all of a run that happens in this process.

    Args:
        url: of the ONNX file, or `bundled`.
        convention: what the user says of its pixels.
        inference: how it is run.
        storage: how patient calls to storage are.

    Raises:
        ModelError: the model cannot serve.
        SourceMissingError: there is no such file.
        UsageError: the provider or the precision is not available.
    """
    model = load_model(url, storage)
    ref = ModelRef(url, model.sha256, convention)
    with _loading:
        upscaler = _upscalers[ref, inference] = _build_upscaler(model, ref, inference)
    return ref, upscaler


def get_upscaler(job: Job) -> Upscaler:
    """The job's upscaler, built once per process.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider or the precision is not available.
    """
    key = (job.model, job.inference)
    with _loading:
        if key not in _upscalers:
            model = load_model(job.model.url, job.destination.limits)
            _refuse_other_model(model, job.model)
            _upscalers[key] = _build_upscaler(model, *key)
        return _upscalers[key]


def _refuse_other_model(model: Model, expected: ModelRef) -> None:
    if model.sha256 != expected.sha256:
        raise ModelError(
            f"{expected.url}: expected sha256 {expected.sha256}, got {model.sha256}: the model "
            "changed after the run was planned; start the run again"
        )


def _build_upscaler(model: Model, ref: ModelRef, inference: InferenceConfig) -> Upscaler:
    return Upscaler(
        model,
        provider=inference.provider,
        precision=inference.precision,
        threads=inference.threads,
        tile_px=inference.tile_px,
        convention=ref.convention,
    )


@cached(
    LRUCache(1),
    key=lambda job: (job.model, job.inference, job.limits),
    condition=threading.Condition(),  # of threads that ask at a time, one creates them
)
def get_resources(job: Job) -> WorkerResources:
    """What the job's shards share in this process, created once.

    Raises:
        ModelError: the model cannot serve, or is not the one that was planned with.
        SourceMissingError: there is no such file.
        UsageError: the provider is not available.
    """
    return create_resources(get_upscaler(job), job.inference.threads, job.limits)


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
    processor = ShardProcessor(job, get_resources(job), cancellation)
    results: dict[str, ImageResult] = {}
    for result in processor.process(shard):
        results[result.source] = result
        on_result(result)
    ordered = [results[task.source] for task in shard]
    try:
        ledger.append(job.destination, job.run_id, processor.records)
    except OSError as error:
        unrecorded = f"{type(error).__name__}: {error}"
        return ShardResult(ordered, unrecorded, cancellation.fatal)
    return ShardResult(ordered, fatal=cancellation.fatal)
