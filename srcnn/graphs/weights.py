"""Rung 6: the weights of a bank: made from the factor alone, and mixed as the card's anchors say.

The weights of a graph can be frozen at the factor of its export, or at any other, while
its sizes still follow: no shape tells. So each weight is followed to `factor`, and then
computed at many factors, since one that is wired and ignored looks right too.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from srcnn.geometry import Factor
from srcnn.graphs.cases import FACTORS, scales_of
from srcnn.graphs.contract import FACTOR, INPUT, STEPS_PER_FACTOR
from srcnn.graphs.findings import Finding, abridged
from srcnn.graphs.run import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from srcnn.graphs.cases import Float32
    from srcnn.graphs.structure import Wiring
    from srcnn.model.card import ModelCard

RUNG = "weights"
# Largest difference that counts as equal, as a share of the largest weight of a layer. Sums of
# two products in float32 are 1e-7 apart; a factor that is not rounded moves weights by far more.
TOLERANCE = 1e-5


def check_wiring(wiring: Wiring, card: ModelCard | None) -> list[Finding]:
    """Follow the weights of every convolution to where they come from.

    Args:
        wiring: of a graph with a live factor.
        card: the graph's; without one nothing is promised.
    """
    if card is None:
        return []
    problem = _bank_problem if card.anchors else _single_problem
    convolutions = [node for node in wiring.nodes if node.op_type == "Conv"]
    if card.anchors and not convolutions:
        return [Finding(RUNG, "graph", "no Conv in it, but its card names anchors of weights")]
    return abridged(
        [
            Finding(RUNG, f"node {node.name or node.output[0]}, {part}", text)
            for node in convolutions
            for part, name in zip(("weight", "bias"), node.input[1:], strict=False)
            if name and (text := problem(wiring, name))
        ]
    )


def check_mixing(model: onnx.ModelProto, anchors: Sequence[float]) -> list[Finding]:
    """Compute the weights of a bank at many factors: linear between anchors, constant beyond.

    Args:
        model: a graph whose wiring is right, and that runs.
        anchors: of its card.
    """
    factors = factors_around(anchors)
    found = weights_at(model, factors)
    if all((values == values[0]).all() for values in found.values()):
        text = f"the same weights at every factor: {FACTOR!r} is wired to them, and then ignored"
        return [Finding(RUNG, "graph", text)]
    shares = _shares(factors, anchors)
    # The weights at the anchors are taken from the graph, by the least squares; they have to fit
    # everywhere. At an anchor they fit best, so that what is wrong shows where it is wrong.
    trust = np.where(np.arange(len(factors)) < len(anchors), 1e3, 1)[:, None]
    fitting = [
        shares @ np.linalg.lstsq(trust * shares, trust * values)[0] for values in found.values()
    ]
    return compare_weights(found, fitting, factors, "what its anchors mix to")


def factors_around(anchors: Sequence[float]) -> list[Factor]:
    """Every anchor, every middle of two, and the factors of all cases."""
    middles = [(left + right) / 2 for left, right in pairwise(anchors)]
    whole = [Factor(Fraction(factor), Fraction(factor)) for factor in (*anchors, *middles)]
    return [*whole, *FACTORS]


def weights_at(model: onnx.ModelProto, factors: Sequence[Factor]) -> dict[str, Float32]:
    """What a graph computes for its convolutions' inputs but the first, at some factors.

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
    rows = [session.run(names, {INPUT: pixel, FACTOR: scales_of(each)}) for each in factors]
    return {
        name: np.stack([np.ravel(row[index]) for row in rows]) for index, name in enumerate(names)
    }


def compare_weights(
    found: Mapping[str, Float32],
    expected: Sequence[Any],
    factors: Sequence[Factor],
    origin: str,
) -> list[Finding]:
    """Tell where weights are not what they should be.

    Args:
        found: from `weights_at`.
        expected: (factors, numbers) for each of them, in the same order.
        factors: where they were computed.
        origin: what is expected, in words.
    """
    if [values.shape for values in found.values()] != [wanted.shape for wanted in expected]:
        shapes = [values.shape[1:] for values in found.values()]
        return [Finding(RUNG, "graph", f"expected {origin}, got other numbers of them: {shapes}")]
    findings = []
    for (name, values), wanted in zip(found.items(), expected, strict=True):
        largest = max(np.abs(wanted).max(), np.finfo(np.float32).tiny)
        for factor, error in zip(factors, np.abs(values - wanted).max(axis=1), strict=True):
            if not error <= TOLERANCE * largest:  # written so that NaN fails
                text = f"expected {origin} within {TOLERANCE * largest:.2g}, got {error:.2g} off"
                findings.append(Finding(RUNG, f"{name}, factor {factor}", text))
    return abridged(findings)


def _shares(factors: Sequence[Factor], anchors: Sequence[float]) -> npt.NDArray[np.float64]:
    """(factors, anchors): the share of each anchor, by another formula than the network's own."""
    means = np.array([scales_of(factor)[2:].mean() for factor in factors])
    nearest = np.rint(means * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
    return np.stack([np.interp(nearest, anchors, row) for row in np.eye(len(anchors))], axis=1)


def _bank_problem(wiring: Wiring, name: str) -> str:
    if not wiring.reaches(FACTOR, name):
        return f"expected it made from {FACTOR!r}, as the card names anchors: it was frozen"
    if wiring.reaches(INPUT, name):
        return f"expected it made from {FACTOR!r} alone, but the image reaches it too"
    return ""


def _single_problem(wiring: Wiring, name: str) -> str:
    if wiring.reaches(FACTOR, name):
        return f"expected a constant, as the card names no anchors, but {FACTOR!r} reaches it"
    return ""
