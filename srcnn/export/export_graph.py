"""Export a checkpoint in two steps: make the graph, then check it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import onnxruntime
import torch

from srcnn.export.exporter import export_graph
from srcnn.export.parity import measure_parity
from srcnn.export.pixel_convention import build_network
from srcnn.export.read_checkpoint import read_weights
from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.graphs.check import check_graph
from srcnn.graphs.check_cases import MAX_TOLERANCE
from srcnn.graphs.findings import raise_findings
from srcnn.model.card import CheckpointCard, ModelCard
from srcnn.storage.download import compute_sha256

if TYPE_CHECKING:
    from srcnn.export.export_spec import ExportSpec
    from srcnn.export.find_checkpoint import Source
    from srcnn.export.srcnn_bank import Network
    from srcnn.model.card import ParityRow

# If one of these steps has findings, there are no values to compare.
_BEFORE_VALUES = {"file", "signature", "shapes"}


def make_graph(checkpoint: bytes, source: Source, spec: ExportSpec) -> bytes:
    """Export a checkpoint; the same arguments and versions always give the same bytes.

    Args:
        checkpoint: content of the file.
        source: its name, origin and pixel convention.
        spec: exporter, opset, and the fixed factor, if any.

    Returns:
        The ONNX file with its card, not checked yet.

    Raises:
        CheckpointError: the checkpoint does not fit the network.
    """
    network = _load_network(checkpoint, source)
    card = _make_card(checkpoint, source, spec, network)
    return export_graph(network, spec, card.to_metadata())


def check_export(
    graph: bytes, checkpoint: bytes, source: Source, spec: ExportSpec
) -> list[ParityRow]:
    """Check a graph on its own, and compare it with PyTorch.

    Args:
        graph: from `make_graph`.
        checkpoint: as given to `make_graph`.
        source: as given to `make_graph`.
        spec: as given to `make_graph`.

    Returns:
        The measured differences, one row for each size and factor.

    Raises:
        GraphCheckError: the check has findings; the message lists them all.
    """
    findings = check_graph(graph)
    rows: list[ParityRow] = []
    if not _BEFORE_VALUES.intersection(finding.step for finding in findings):
        rows, differing = measure_parity(graph, _load_network(checkpoint, source), spec.factor)
        findings = [*findings, *differing]
    raise_findings(f"the graph of {source.name}", findings)
    return rows


def _load_network(checkpoint: bytes, source: Source) -> Network:
    return build_network(read_weights(checkpoint, source.name), source.convention)


def _make_card(checkpoint: bytes, source: Source, spec: ExportSpec, network: Network) -> ModelCard:
    # A graph with a fixed factor has one network, whatever the checkpoint has.
    bank = network if isinstance(network, SrcnnBank) and spec.factor is None else None
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
        # Without `+cpu`, because builds for other hardware write the same graph.
        versions={name: text.partition("+")[0] for name, text in versions.items()},
        scale=None if spec.factor is None else str(spec.factor),
        rounding=source.rounding,
        tolerance=MAX_TOLERANCE,
        anchors=bank.anchors.tolist() if bank else [],
        qualities=bank.qualities if bank else [],
    )
