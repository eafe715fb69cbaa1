"""Step 6 of the check: the weights of a bank depend on the factor alone, and mix its anchors.

An export can freeze the weights at one factor while the output size still follows the factor;
shapes do not show that. So each weight is traced to the input `factor`. Then it is computed at
many factors, because a graph can also be connected to the factor and ignore it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from srcnn.geometry import Factor
from srcnn.graphs.cases import FACTORS, list_scales
from srcnn.graphs.check_session import open_session
from srcnn.graphs.findings import Finding, abridge
from srcnn.graphs.graph_format import FACTOR, INPUT, STEPS_PER_FACTOR
from srcnn.runtime.stoppable_run import make_deadline, run_stoppably

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from srcnn.graphs.cases import Float32
    from srcnn.graphs.structure import Wiring
    from srcnn.model.card import ModelCard

STEP = "weights"
# Largest difference that counts as equal, as a share of the largest weight of a layer. Sums of
# two products in float32 differ by 1e-7; a factor that is not rounded changes weights far more.
TOLERANCE = 1e-5


def check_wiring(wiring: Wiring, card: ModelCard | None) -> list[Finding]:
    """Trace the weights of every convolution back to what they are computed from.

    Args:
        wiring: of a graph with a dynamic factor.
        card: of the graph; without a card there is nothing to check against.
    """
    if card is None:
        return []
    trace = _trace_bank_weight if card.anchors else _trace_single_weight
    convolutions = [node for node in wiring.nodes if node.op_type == "Conv"]
    if card.anchors and not convolutions:
        return [Finding(STEP, "graph", "no Conv node, but its card lists anchors of weights")]
    return abridge(
        [
            Finding(STEP, f"node {node.name or node.output[0]}, {part}", text)
            for node in convolutions
            for part, name in zip(("weight", "bias"), node.input[1:], strict=False)
            if name and (text := trace(wiring, name))
        ]
    )


def check_mixing(model: onnx.ModelProto, anchors: Sequence[float]) -> list[Finding]:
    """Check that a bank's weights are linear between anchors, and constant beyond them.

    Args:
        model: a graph that runs, and whose wiring has passed the check.
        anchors: on its card.
    """
    factors = list_factors_around(anchors)
    found = compute_weights_at(model, factors)
    if all((values == values[0]).all() for values in found.values()):
        text = f"the same weights at every factor: {FACTOR!r} is connected to them, but ignored"
        return [Finding(STEP, "graph", text)]
    shares = _compute_shares(factors, anchors)
    # The weights at the anchors are estimated from the graph by least squares; they must fit at
    # all factors. The fit trusts the anchors most, so that an error shows at its own factor.
    trust = np.where(np.arange(len(factors)) < len(anchors), 1e3, 1)[:, None]
    fitting = [
        shares @ np.linalg.lstsq(trust * shares, trust * values)[0] for values in found.values()
    ]
    return compare_weights(found, fitting, factors, "the mix of its anchors")


def list_factors_around(anchors: Sequence[float]) -> list[Factor]:
    """List every anchor, the middle between each two, and the factors of all cases."""
    middles = [(left + right) / 2 for left, right in pairwise(anchors)]
    whole = [Factor(Fraction(factor), Fraction(factor)) for factor in (*anchors, *middles)]
    return [*whole, *FACTORS]


def compute_weights_at(model: onnx.ModelProto, factors: Sequence[Factor]) -> dict[str, Float32]:
    """Compute the weights and biases of a graph's convolutions at some factors.

    Returns:
        (factors, numbers) by name, in the order of the graph.
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
    feeds = [{INPUT: pixel, FACTOR: list_scales(each)} for each in factors]
    rows = [run_stoppably(session, names, each, make_deadline()) for each in feeds]
    return {
        name: np.stack([np.ravel(row[index]) for row in rows]) for index, name in enumerate(names)
    }


def compare_weights(
    found: Mapping[str, Float32],
    expected: Sequence[Any],
    factors: Sequence[Factor],
    origin: str,
) -> list[Finding]:
    """Find weights that differ from the expected ones.

    Args:
        found: from `compute_weights_at`.
        expected: (factors, numbers) for each of them, in the same order.
        factors: at which they were computed.
        origin: what is expected, in words.
    """
    if [values.shape for values in found.values()] != [wanted.shape for wanted in expected]:
        shapes = [values.shape[1:] for values in found.values()]
        return [Finding(STEP, "graph", f"expected {origin}, got another number of them: {shapes}")]
    findings = []
    for (name, values), wanted in zip(found.items(), expected, strict=True):
        largest = max(np.abs(wanted).max(), np.finfo(np.float32).tiny)
        for factor, error in zip(factors, np.abs(values - wanted).max(axis=1), strict=True):
            if not error <= TOLERANCE * largest:  # written so that NaN fails
                text = f"expected {origin} within {TOLERANCE * largest:.2g}, got {error:.2g} off"
                findings.append(Finding(STEP, f"{name}, factor {factor}", text))
    return abridge(findings)


def _compute_shares(factors: Sequence[Factor], anchors: Sequence[float]) -> npt.NDArray[np.float64]:
    """(factors, anchors): the share of each anchor, by a formula other than the network's own."""
    means = np.array([list_scales(factor)[2:].mean() for factor in factors])
    nearest = np.rint(means * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
    return np.stack([np.interp(nearest, anchors, row) for row in np.eye(len(anchors))], axis=1)


def _trace_bank_weight(wiring: Wiring, name: str) -> str:
    if not wiring.reaches(FACTOR, name):
        return f"expected to depend on {FACTOR!r}, because the card lists anchors: it was frozen"
    if wiring.reaches(INPUT, name):
        return f"expected to depend on {FACTOR!r} alone, but it also depends on the image"
    return ""


def _trace_single_weight(wiring: Wiring, name: str) -> str:
    if wiring.reaches(FACTOR, name):
        return f"expected a constant, because the card lists no anchors, but it uses {FACTOR!r}"
    return ""
