"""Publish a checked graph: write `srcnn.onnx`, and `srcnn.json` beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcnn.errors import ModelError
from srcnn.model.card import ModelCard, ModelRecord
from srcnn.model.onnx_file import parse_complete
from srcnn.storage.download import compute_sha256
from srcnn.storage.folder import Folder
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from srcnn.model.card import ParityRow, TrainingCard

GRAPH_NAME = "srcnn.onnx"
RECORD_NAME = "srcnn.json"


def publish_model(
    graph: bytes,
    parity: Sequence[ParityRow],
    dst: str,
    limits: StorageLimits = DEFAULT_LIMITS,
    training: TrainingCard | None = None,
) -> str:
    """Write a graph and its record; each write is atomic.

    Args:
        graph: content of the ONNX file, checked, with a card.
        parity: the differences to PyTorch that the check measured.
        dst: folder or URL prefix; created if it does not exist.
        limits: timeouts and retries of storage calls.
        training: how the checkpoint was trained, if known.

    Returns:
        The URL of the graph.

    Raises:
        ModelError: the graph has no card.
        UsageError: the URL contains credentials, or its protocol is unknown.
    """
    card = ModelCard.from_graph(parse_complete(graph))
    if card is None:
        raise ModelError(
            "the graph has no card: create it with srcnn.export.export_graph.make_graph"
        )
    record = ModelRecord(
        file=GRAPH_NAME,
        sha256=compute_sha256(graph),
        size_bytes=len(graph),
        model=card,
        parity=list(parity),
        training=training,
    )
    folder = Folder(dst, limits)
    folder.write(GRAPH_NAME, graph)
    # Written last: its sha256 shows a reader whether the graph and the record belong together.
    folder.write(RECORD_NAME, record.to_json())
    return folder.get_url(GRAPH_NAME)
