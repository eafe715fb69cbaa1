"""The tasks of an export: download, read the training record, export, check, publish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.export.export_spec import ExportSpec
from srcnn.export.find_checkpoint import Source, obtain
from srcnn.model.card import ParityRow, TrainingCard
from srcnn.model.publish import publish_model
from srcnn.storage.retries import StorageLimits
from tasks.logs import logger

# No task here retries: `download` itself retries what may succeed, and repeating anything else
# gives the same result. None is cached: graphs are small, and quick to make.


@task(cache_policy=NO_CACHE)
def download(source: Source, folder: Path, attempts: int, timeout_seconds: float) -> Path:
    """Download and verify a checkpoint; see `srcnn.export.find_checkpoint.obtain`."""
    path = obtain(source, folder, attempts=attempts, timeout_seconds=timeout_seconds)
    logger().info("checkpoint %s: %s", source.name, path)
    return path


@task(cache_policy=NO_CACHE)
def read_training(checkpoint: Path, source: Source) -> TrainingCard | None:
    """Read the training record in the checkpoint's `meta`; see `srcnn.export.read_checkpoint`."""
    from srcnn.export import read_checkpoint  # noqa: PLC0415 - torch, only where it is needed

    return read_checkpoint.read_training(checkpoint.read_bytes(), source.name)


@task(cache_policy=NO_CACHE)
def export(checkpoint: Path, source: Source, spec: ExportSpec) -> bytes:
    """Export the checkpoint to an ONNX file, which is not checked yet."""
    from srcnn.export import export_graph  # noqa: PLC0415 - torch, only where it is needed

    graph = export_graph.make_graph(checkpoint.read_bytes(), source, spec)
    logger().info("exported by %s, opset %s: %s bytes", spec.exporter, spec.opset, len(graph))
    return graph


@task(cache_policy=NO_CACHE)
def check(graph: bytes, checkpoint: Path, source: Source, spec: ExportSpec) -> list[ParityRow]:
    """Check a graph; return how close it is to PyTorch, or fail with every finding."""
    from srcnn.export import export_graph  # noqa: PLC0415 - torch, only where it is needed

    rows = export_graph.check_export(graph, checkpoint.read_bytes(), source, spec)
    worst = max(row.max_abs_error for row in rows)
    logger().info("checked at %s sizes and factors: within %g grey levels", len(rows), worst)
    return rows


@task(cache_policy=NO_CACHE)
def publish(
    graph: bytes,
    parity: Sequence[ParityRow],
    training: TrainingCard | None,
    dst: str,
    limits: StorageLimits,
) -> str:
    """Write `srcnn.onnx` and `srcnn.json`; return the graph's URL."""
    url = publish_model(graph, parity, dst, limits, training)
    logger().info("published %s", url)
    return url
