"""Compare a graph with PyTorch at many sizes, factors and qualities: shapes, then values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch

from srcnn.export.exporter import LiveUpscale
from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.graphs.check_cases import MAX_TOLERANCE, MEAN_TOLERANCE, Case, list_cases, list_scales
from srcnn.graphs.check_session import LoadedGraph, open_graph
from srcnn.graphs.compare_bank_weights import compare_weights, compute_weights_at, list_settings
from srcnn.graphs.findings import Finding, abridge
from srcnn.graphs.graph_format import CLEAN
from srcnn.model.card import ParityRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from srcnn.export.srcnn_bank import Network
    from srcnn.geometry import Factor
    from srcnn.graphs.check_cases import Float32

STEP = "parity"


def measure_parity(
    content: bytes, network: Network, fixed: Factor | None
) -> tuple[list[ParityRow], list[Finding]]:
    """Compare a graph with the network that it was exported from.

    Args:
        content: of the ONNX file; its signature and output shapes have passed the check.
        network: with weights for BGR 0..255.
        fixed: the graph's fixed factor, or None.

    Returns:
        The largest differences, one row for each size, factor and quality (the worse result of
        ORT_DISABLE_ALL and ORT_ENABLE_ALL), and findings for all values, and weights of a
        bank, that exceed the tolerance.
    """
    model = LiveUpscale(network).eval()
    graphs = [open_graph(content, optimised=level) for level in (False, True)]
    rows: list[ParityRow] = []
    findings: list[Finding] = []
    bank = network if isinstance(network, SrcnnBank) and fixed is None else None
    for case in list_cases(fixed, follows_quality=bool(bank and bank.qualities)):
        quality = None if case.quality is None else torch.tensor([case.quality])
        image, scales = torch.from_numpy(case.make_image()), torch.from_numpy(case.scales)
        with torch.no_grad():
            reference = model(image, scales, quality)
        row = _compare(graphs, case, reference.numpy())
        rows.append(row)
        findings += _judge(row, case)
    findings = abridge(findings)
    if bank:
        findings += _compare_weights(content, bank)
    return rows, findings


def _compare_weights(content: bytes, bank: SrcnnBank) -> list[Finding]:
    """Compare the weights directly, because the cases use only some of the anchors."""
    settings = list_settings(bank.anchors.tolist(), bank.qualities)
    networks = [
        bank.at(torch.from_numpy(list_scales(factor)), CLEAN if quality is None else quality)
        for factor, quality in settings
    ]
    states = [network.state_dict() for network in networks]
    expected = [np.stack([state[name].numpy().ravel() for state in states]) for name in states[0]]
    found = compute_weights_at(onnx.load_from_string(content), settings)
    return compare_weights(found, expected, settings, "PyTorch's weights")


def _judge(row: ParityRow, case: Case) -> list[Finding]:
    # Written so that NaN fails.
    if row.max_abs_error <= MAX_TOLERANCE and row.mean_abs_error <= MEAN_TOLERANCE:
        return []
    text = (
        f"expected PyTorch's values to {MAX_TOLERANCE} levels ({MEAN_TOLERANCE} on average), "
        f"got {row.max_abs_error:g} ({row.mean_abs_error:g})"
    )
    return [Finding(STEP, str(case), text)]


def _compare(graphs: Sequence[LoadedGraph], case: Case, reference: Float32) -> ParityRow:
    results = [run(case.make_image(), case.scales, case.quality) for run in graphs]
    if any(result.shape != reference.shape for result in results):
        worst = mean = float("inf")
    else:
        differences = [np.abs(result - reference) for result in results]
        worst = float(np.max(differences))
        mean = max(float(difference.mean()) for difference in differences)
    return ParityRow(
        size=tuple(case.size),
        factor=str(case.factor),
        quality=case.quality,
        max_abs_error=float(f"{worst:.3g}"),
        mean_abs_error=float(f"{mean:.3g}"),
    )
