"""The check of a graph, a ladder: each rung tells what it finds, and the next needs it to hold.

    1  file       it parses, is whole, and onnx.checker (full) accepts it
    2  signature  names, types, dynamic axes
    3  resize     the factor reaches Resize.scales; cubic, a = -0.75, half pixels
    4  shapes     the output's size follows the factor, at many sizes and factors
    5  values     finite, and the same with the optimiser on and off, alone and in a batch
    6  weights    of a bank: made from the factor alone, and mixed as the anchors on its card say

`onnx.checker` calls a graph correct whose factor was frozen by the export. Needs no
checkpoint, and so works on anyone's graph; the comparison with PyTorch is in
`srcnn.export.parity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import onnx.inliner

from srcnn.errors import ModelError
from srcnn.geometry import Factor, parse_scale
from srcnn.graphs.behaviour import check_behaviour
from srcnn.graphs.findings import Finding
from srcnn.graphs.resize import check_resize
from srcnn.graphs.signature import check_signature
from srcnn.graphs.structure import Wiring
from srcnn.graphs.weights import check_mixing, check_wiring
from srcnn.model.card import ModelCard
from srcnn.runtime.onnx_session import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "file"


def check_graph(content: bytes) -> list[Finding]:
    """Everything that is wrong with a graph, as far as it can be told without its checkpoint.

    Args:
        content: the ONNX file.

    Returns:
        Nothing for a graph that keeps the contract.
    """
    try:
        model = _read(content)
        card = ModelCard.from_graph(model)
        fixed = _promised_factor(card)
    except ModelError as error:
        return [Finding(FILE, "graph", str(error))]
    wiring = Wiring.of(model.graph)
    findings = [
        *check_signature(model.graph, wiring, live=fixed is None),
        *check_resize(wiring, _opset(model), fixed),
    ]
    # A missing input or a static axis makes every run fail, and is told already. A wrong
    # Resize still runs, and running may tell more.
    if any(finding.rung == "signature" for finding in findings):
        return _without_echo(findings)
    findings += check_behaviour(content, fixed)
    findings += check_wiring(wiring, card) if fixed is None else []
    if card and card.anchors and fixed is None and not findings:
        return check_mixing(model, card.anchors)
    return findings


def _read(content: bytes) -> onnx.ModelProto:
    """Rung 1.

    Raises:
        ModelError: it is no ONNX file, not all of one, or not a valid one.
    """
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's DecodeError, of a package without types
        raise ModelError(f"{len(content)} bytes that are no ONNX file: {error}") from error
    outside = sorted(_outside(model))
    if outside:
        raise ModelError(
            f"expected one file, but weights lie outside it, in {', '.join(outside)}: "
            "export without external data"
        )
    try:
        onnx.checker.check_model(model, full_check=True)
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # ValidationError, InferenceError, and more from C++
        raise ModelError(f"onnx.checker refuses it: {first_line(error)}") from error


def _outside(model: onnx.ModelProto) -> Iterator[str]:
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield from (item.value for item in tensor.external_data if item.key == "location")


def _promised_factor(card: ModelCard | None) -> Factor | None:
    """The fixed factor on the graph's card; None where there is no card, or a live factor.

    Raises:
        ModelError: it is no factor.
    """
    if card is None or card.scale is None:
        return None
    try:
        scale = parse_scale(card.scale)
    except ValueError as error:
        raise ModelError(f"the graph's card: {error}") from error
    if not isinstance(scale, Factor):
        raise ModelError(f"the graph's card: scale {card.scale!r} is no factor")
    return scale


def _opset(model: onnx.ModelProto) -> int:
    versions = {item.domain: int(item.version) for item in model.opset_import}
    return versions.get("", versions.get("ai.onnx", 0))


def _without_echo(findings: list[Finding]) -> list[Finding]:
    """Leave out that Resize is not fed by a factor, where the input itself is missing."""
    missing = any(item.rung == "signature" and item.subject == "factor" for item in findings)
    return [item for item in findings if not (missing and "fed by the input" in item.text)]
