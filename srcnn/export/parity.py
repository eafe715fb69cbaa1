"""Values of a graph against PyTorch, at many sizes and factors: shapes before values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch

from srcnn.export.exporter import LiveUpscale
from srcnn.export.srcnn_network import SrcnnBank
from srcnn.graphs.cases import MAX_TOLERANCE, MEAN_TOLERANCE, Case, cases, scales_of
from srcnn.graphs.findings import Finding, abridged
from srcnn.graphs.run import Runner, open_graph
from srcnn.graphs.weights import compare_weights, factors_around, weights_at
from srcnn.model.card import ParityRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from srcnn.export.srcnn_network import Network
    from srcnn.geometry import Factor
    from srcnn.graphs.cases import Float32

RUNG = "parity"


def measure_parity(
    content: bytes, network: Network, fixed: Factor | None
) -> tuple[list[ParityRow], list[Finding]]:
    """Compare a graph with the network that it was made from.

    Args:
        content: the ONNX file; its signature and output shapes are right.
        network: with weights that take BGR 0..255.
        fixed: the graph's fixed factor, or None.

    Returns:
        A row for each size and factor, the worse of ORT_DISABLE_ALL and ORT_ENABLE_ALL, and
        what exceeds the tolerance, of a bank's weights too.
    """
    model = LiveUpscale(network).eval()
    runners = [open_graph(content, optimised=level) for level in (False, True)]
    rows: list[ParityRow] = []
    findings: list[Finding] = []
    for case in cases(fixed):
        with torch.no_grad():
            reference = model(torch.from_numpy(case.image()), torch.from_numpy(case.scales))
        row = _compare(runners, case, reference.numpy())
        rows.append(row)
        findings += _judge(row, case)
    findings = abridged(findings)
    if isinstance(network, SrcnnBank) and fixed is None:
        findings += _compare_weights(content, network)
    return rows, findings


def _compare_weights(content: bytes, bank: SrcnnBank) -> list[Finding]:
    """The weights themselves: the cases meet only some anchors."""
    factors = factors_around(bank.anchors.tolist())
    networks = [bank.at(torch.from_numpy(scales_of(factor))) for factor in factors]
    states = [network.state_dict() for network in networks]
    expected = [np.stack([state[name].numpy().ravel() for state in states]) for name in states[0]]
    found = weights_at(onnx.load_from_string(content), factors)
    return compare_weights(found, expected, factors, "PyTorch's weights")


def _judge(row: ParityRow, case: Case) -> list[Finding]:
    # Written so that NaN fails.
    if row.max_abs_error <= MAX_TOLERANCE and row.mean_abs_error <= MEAN_TOLERANCE:
        return []
    text = (
        f"expected PyTorch's values to {MAX_TOLERANCE} levels ({MEAN_TOLERANCE} on average), "
        f"got {row.max_abs_error:g} ({row.mean_abs_error:g})"
    )
    return [Finding(RUNG, str(case), text)]


def _compare(runners: Sequence[Runner], case: Case, reference: Float32) -> ParityRow:
    results = [run(case.image(), case.scales) for run in runners]
    if any(result.shape != reference.shape for result in results):
        worst = mean = float("inf")
    else:
        differences = [np.abs(result - reference) for result in results]
        worst = float(np.max(differences))
        mean = max(float(difference.mean()) for difference in differences)
    return ParityRow(
        size=tuple(case.size),
        factor=str(case.factor),
        max_abs_error=float(f"{worst:.3g}"),
        mean_abs_error=float(f"{mean:.3g}"),
    )
