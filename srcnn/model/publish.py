"""Put a checked graph where others find it: `srcnn.onnx`, and `srcnn.json` beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

from srcnn.errors import ModelError
from srcnn.model.card import ModelCard, ModelRecord
from srcnn.storage.download import sha256_of
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
    """Write a graph and its record, each whole or not at all.

    Args:
        graph: the ONNX file, checked, with a card inside.
        parity: what its check measured.
        dst: folder or URL prefix; made when missing.
        limits: how patient calls to storage are.
        training: how its checkpoint was trained, where that is known.

    Returns:
        The graph's URL.

    Raises:
        ModelError: the graph has no card.
        UsageError: the URL carries credentials, or its protocol is unknown.
    """
    card = ModelCard.from_graph(onnx.load_from_string(graph))
    if card is None:
        raise ModelError("the graph has no card: make it with srcnn.export.pipeline.make_graph")
    record = ModelRecord(
        file=GRAPH_NAME,
        sha256=sha256_of(graph),
        size_bytes=len(graph),
        model=card,
        parity=list(parity),
        training=training,
    )
    folder = Folder(dst, limits)
    folder.write(GRAPH_NAME, graph)
    # Last: a reader who compares its sha256 with the graph sees whether both belong together.
    folder.write(RECORD_NAME, record.to_json())
    return folder.url_of(GRAPH_NAME)
