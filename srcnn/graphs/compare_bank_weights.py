"""Compute the weights of a graph at many factors and qualities, and compare them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from srcnn.geometry import Factor
from srcnn.graphs.check_cases import FACTORS, QUALITIES, Setting
from srcnn.graphs.check_session import open_session
from srcnn.graphs.findings import Finding, abridge
from srcnn.graphs.graph_format import INPUT
from srcnn.runtime.stoppable_run import make_deadline, run_stoppably

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from srcnn.graphs.check_cases import Float32

STEP = "weights"
# Largest difference that counts as equal, as a share of the largest weight of a layer. Sums of
# two products in float32 differ by 1e-7; a factor that is not rounded changes weights far more.
TOLERANCE = 1e-5


def list_settings(anchors: Sequence[float], qualities: Sequence[float] = ()) -> list[Setting]:
    """Combine factors and qualities: every anchor, the middle between each two, and all cases.

    Args:
        anchors: factors.
        qualities: none if they are left out.

    Returns:
        All qualities with the first factor, then with the second, and so on.
    """
    pairs = product(list_factors_around(anchors), _list_qualities_around(qualities))
    return [Setting(factor, quality) for factor, quality in pairs]


def list_factors_around(anchors: Sequence[float]) -> list[Factor]:
    """List every anchor, the middle between each two, and the factors of all cases."""
    middles = [(left + right) / 2 for left, right in pairwise(anchors)]
    whole = [Factor(Fraction(factor), Fraction(factor)) for factor in (*anchors, *middles)]
    return [*whole, *FACTORS]


def _list_qualities_around(qualities: Sequence[float]) -> list[float | None]:
    middles = [(low + high) / 2 for low, high in pairwise(qualities)]
    return [*qualities, *middles, *QUALITIES] if qualities else [None]


def compute_weights_at(model: onnx.ModelProto, settings: Sequence[Setting]) -> dict[str, Float32]:
    """Compute the weights and biases of a graph's convolutions at some factors and qualities.

    Returns:
        (settings, numbers) by name, in the order of the graph.
    """
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    names = list(dict.fromkeys(name for node in convolutions for name in node.input[1:] if name))
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    session = open_session(whole.SerializeToString(), optimised=False)
    pixel = np.zeros((1, 3, 1, 1), np.float32)
    feeds = [{INPUT: pixel} | setting.feeds for setting in settings]
    rows = [run_stoppably(session, names, each, make_deadline()) for each in feeds]
    return {
        name: np.stack([np.ravel(row[index]) for row in rows]) for index, name in enumerate(names)
    }


def compare_weights(
    found: Mapping[str, Float32],
    expected: Sequence[Any],
    settings: Sequence[Setting],
    origin: str,
) -> list[Finding]:
    """Find weights that differ from the expected ones.

    Args:
        found: from `compute_weights_at`.
        expected: (settings, numbers) for each of them, in the same order.
        settings: at which they were computed.
        origin: what is expected, in words.
    """
    if [values.shape for values in found.values()] != [wanted.shape for wanted in expected]:
        shapes = [values.shape[1:] for values in found.values()]
        return [Finding(STEP, "graph", f"expected {origin}, got another number of them: {shapes}")]
    findings = []
    for (name, values), wanted in zip(found.items(), expected, strict=True):
        largest = max(np.abs(wanted).max(), np.finfo(np.float32).tiny)
        for setting, error in zip(settings, np.abs(values - wanted).max(axis=1), strict=True):
            if not error <= TOLERANCE * largest:  # written so that NaN fails
                text = f"expected {origin} within {TOLERANCE * largest:.2g}, got {error:.2g} off"
                findings.append(Finding(STEP, f"{name}, {setting}", text))
    return abridge(findings)
