"""Step 6 of the check: the weights of a bank depend on factor and quality alone, and mix anchors.

An export can freeze the weights at one factor while the output size still follows the factor;
shapes do not show that. So each weight is traced to the inputs `factor` and `quality`. Then it is
computed at many factors and qualities, because a graph can also be connected and ignore them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.graphs.check_cases import Setting, list_scales
from srcnn.graphs.compare_bank_weights import (
    STEP,
    compare_weights,
    compute_weights_at,
    list_factors_around,
    list_settings,
)
from srcnn.graphs.findings import Finding, abridge
from srcnn.graphs.graph_format import FACTOR, INPUT, QUALITY, QUALITY_STEP, STEPS_PER_FACTOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnx

    from srcnn.graphs.check_cases import Float32
    from srcnn.graphs.graph_wiring import Wiring
    from srcnn.model.card import ModelCard

Float64: TypeAlias = npt.NDArray[np.float64]

_CUT = f"expected the weights of convolutions to depend on the input {QUALITY!r}, but none does"


def check_wiring(wiring: Wiring, card: ModelCard | None) -> list[Finding]:
    """Trace the weights of every convolution back to what they are computed from.

    Args:
        wiring: of a graph with a dynamic factor.
        card: of the graph; without a card, weights need not depend on anything but the quality, if
            it is an input.
    """
    operands = [
        (f"node {node.name or node.output[0]}, {part}", name)
        for node in wiring.nodes
        if node.op_type == "Conv"
        for part, name in zip(("weight", "bias"), node.input[1:], strict=False)
        if name
    ]
    if card is None:
        is_followed = any(wiring.reaches(QUALITY, name) for _, name in operands)
        return (
            [] if is_followed or QUALITY not in wiring.sources else [Finding(STEP, "graph", _CUT)]
        )
    if card.anchors and not operands:
        return [Finding(STEP, "graph", "no Conv node, but its card lists anchors of weights")]
    found = [(subject, _trace(wiring, name, card)) for subject, name in operands]
    return abridge([Finding(STEP, subject, text) for subject, text in found if text])


def check_mixing(
    model: onnx.ModelProto, anchors: Sequence[float], qualities: Sequence[float] = ()
) -> list[Finding]:
    """Check that a bank's weights are linear between anchors, and constant beyond them.

    Args:
        model: a graph that runs, and whose wiring has passed the check.
        anchors: on its card.
        qualities: on its card.
    """
    settings = list_settings(anchors, qualities)
    found = compute_weights_at(model, settings)
    ignored = _find_ignored(found, anchors, FACTOR, QUALITY if qualities else "")
    if ignored:
        return ignored
    shares = _compute_shares(settings, anchors, qualities)
    # The weights at the anchors are estimated from the graph by least squares; they must fit at
    # all settings. The fit trusts the anchors most, so that an error shows at its own setting.
    trust = np.array([[1e3 if _is_anchor(each, anchors, qualities) else 1] for each in settings])
    fitting = [
        shares @ np.linalg.lstsq(trust * shares, trust * values)[0] for values in found.values()
    ]
    return compare_weights(found, fitting, settings, "the mix of its anchors")


def _is_anchor(setting: Setting, anchors: Sequence[float], qualities: Sequence[float]) -> bool:
    height, width = setting.factor.height, setting.factor.width
    return height == width and height in anchors and (not qualities or setting.quality in qualities)


def _find_ignored(
    found: Mapping[str, Float32], anchors: Sequence[float], *inputs: str
) -> list[Finding]:
    """Find the inputs on which no weight depends, of the factor and the quality."""
    count = len(list_factors_around(anchors))
    grids = [values.reshape(count, -1, values.shape[1]) for values in found.values()]
    findings = []
    for axis, name in enumerate(inputs):
        same = all((grid == grid.take([0], axis)).all() for grid in grids)
        if name and same:
            text = f"the same weights at every {name}: {name!r} is connected to them, but ignored"
            findings.append(Finding(STEP, "graph", text))
    return findings


def _compute_shares(
    settings: Sequence[Setting], anchors: Sequence[float], qualities: Sequence[float]
) -> Float64:
    """(settings, networks): the share of each, by a formula other than the network's own."""
    means = np.array([list_scales(each.factor)[2:].mean() for each in settings])
    shares = _interpolate(np.rint(means * STEPS_PER_FACTOR) / STEPS_PER_FACTOR, anchors)
    if not qualities:
        return shares
    found = np.array([each.quality for each in settings], np.float64)
    others = _interpolate(np.rint(found / QUALITY_STEP) * QUALITY_STEP, qualities)
    return (shares[:, :, None] * others[:, None]).reshape(len(settings), -1)


def _interpolate(values: Float64, anchors: Sequence[float]) -> Float64:
    return np.stack([np.interp(values, anchors, row) for row in np.eye(len(anchors))], axis=1)


def _trace(wiring: Wiring, name: str, card: ModelCard) -> str:
    """Say what is wrong with where a weight comes from; nothing if it is right."""
    for source, listed, anchors in (
        (FACTOR, "anchors", card.anchors),
        (QUALITY, "qualities", card.qualities),
    ):
        is_followed = wiring.reaches(source, name)
        if anchors and not is_followed:
            return (
                f"expected to depend on {source!r}, because the card lists {listed}: it was frozen"
            )
        if is_followed and not anchors:
            kind = "a constant" if not card.anchors else "no such dependence"
            return f"expected {kind}, because the card lists no {listed}, but it uses {source!r}"
    if card.anchors and wiring.reaches(INPUT, name):
        return f"expected to depend on {FACTOR!r} alone, but it also depends on the image"
    return ""
