"""From a checkpoint's bytes to a graph that is checked: the export in two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import onnxruntime
import torch

from srcnn.export.convention import bgr_byte_network
from srcnn.export.exporter import export_graph
from srcnn.export.parity import measure_parity
from srcnn.export.read_checkpoint import read_weights
from srcnn.export.srcnn_network import SrcnnBank
from srcnn.graphs.cases import MAX_TOLERANCE
from srcnn.graphs.check import check_graph
from srcnn.graphs.findings import raise_findings
from srcnn.model.card import CheckpointCard, ModelCard
from srcnn.storage.download import compute_sha256

if TYPE_CHECKING:
    from srcnn.export.catalogue import Source
    from srcnn.export.graph_spec import GraphSpec
    from srcnn.export.srcnn_network import Network
    from srcnn.model.card import ParityRow

# With findings of these rungs there are no values to compare.
_BEFORE_VALUES = {"file", "signature", "shapes"}


def make_graph(checkpoint: bytes, source: Source, spec: GraphSpec) -> bytes:
    """Export a checkpoint; the same bytes for the same arguments and versions.

    Args:
        checkpoint: the file's content.
        source: what it is, and its pixel convention.
        spec: exporter, opset, and the factor if it is to be fixed.

    Returns:
        The ONNX file, its card inside. Not checked yet.

    Raises:
        CheckpointError: it does not fit the network.
    """
    network = _network(checkpoint, source)
    card = _card(checkpoint, source, spec, _anchors(network, spec))
    return export_graph(network, spec, card.to_metadata())


def check_export(
    graph: bytes, checkpoint: bytes, source: Source, spec: GraphSpec
) -> list[ParityRow]:
    """Check a graph by itself, and against PyTorch.

    Args:
        graph: from `make_graph`.
        checkpoint: what it was made from.
        source: likewise.
        spec: likewise.

    Returns:
        What was measured, a row for each size and factor.

    Raises:
        GraphCheckError: something is wrong; the text has every finding.
    """
    findings = check_graph(graph)
    rows: list[ParityRow] = []
    if not _BEFORE_VALUES.intersection(finding.rung for finding in findings):
        rows, differing = measure_parity(graph, _network(checkpoint, source), spec.factor)
        findings = [*findings, *differing]
    raise_findings(f"the graph of {source.name}", findings)
    return rows


def _network(checkpoint: bytes, source: Source) -> Network:
    return bgr_byte_network(read_weights(checkpoint, source.name), source.convention)


def _anchors(network: Network, spec: GraphSpec) -> list[float]:
    """Of a graph whose weights follow the factor; a fixed factor leaves one network of them."""
    if isinstance(network, SrcnnBank) and spec.factor is None:
        return network.anchors.tolist()
    return []


def _card(checkpoint: bytes, source: Source, spec: GraphSpec, anchors: list[float]) -> ModelCard:
    versions = {
        "torch": str(torch.__version__),
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
    return ModelCard(
        name=source.name,
        checkpoint=CheckpointCard(
            url=source.origin, sha256=compute_sha256(checkpoint), convention=source.convention
        ),
        exporter=spec.exporter,
        opset=spec.opset,
        # Without `+cpu`: a build for other hardware writes the same graph.
        versions={name: text.partition("+")[0] for name, text in versions.items()},
        scale=None if spec.factor is None else str(spec.factor),
        rounding=source.rounding,
        tolerance=MAX_TOLERANCE,
        anchors=anchors,
    )
