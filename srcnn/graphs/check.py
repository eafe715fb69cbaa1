"""Check a graph in steps; each step needs the ones before it to pass.

    1  file       it parses, is complete, and onnx.checker (full) accepts it
    2  signature  names, types, dynamic axes
    3  resize     the factor reaches Resize.scales; cubic, a = -0.75, half pixels
    4  shapes     the output's size follows the factor, at many sizes and factors
    5  values     finite, and the same with the optimiser on and off, alone and in a batch
    6  weights    of a bank: computed from factor and quality, mixed between the card's anchors

The check is needed because `onnx.checker` also accepts a graph whose factor was frozen by the
export. It needs no checkpoint, so it works on any graph; `srcnn.export.parity` compares a graph
with PyTorch.
"""

from __future__ import annotations

import onnx
import onnx.inliner

from srcnn.errors import ModelError
from srcnn.geometry import Factor
from srcnn.graphs.check_bank_weights import check_mixing, check_wiring
from srcnn.graphs.check_outputs import check_behaviour
from srcnn.graphs.check_resize import check_resize
from srcnn.graphs.check_signature import check_signature
from srcnn.graphs.findings import Finding
from srcnn.graphs.graph_format import QUALITY
from srcnn.graphs.graph_wiring import Wiring
from srcnn.model.card import ModelCard
from srcnn.model.model_file import load_model
from srcnn.model.onnx_file import parse_complete
from srcnn.parse_scale import parse_scale
from srcnn.runtime.onnx_session import extract_first_line
from srcnn.storage.retries import StorageLimits

FILE = "file"


def check_file(url: str, limits: StorageLimits) -> list[Finding]:
    """Check a graph by its URL, with the weights that it keeps beside it; see `check_graph`.

    Raises:
        SourceMissingError: the file does not exist.
        StorageError: it could not be read.
    """
    try:
        return check_graph(load_model(url, limits).content)
    except ModelError as error:
        return [Finding(FILE, "graph", str(error))]


def check_graph(content: bytes) -> list[Finding]:
    """Find everything that is wrong with a graph and can be found without its checkpoint.

    Args:
        content: of the ONNX file.

    Returns:
        The findings; none for a graph that fulfils the contract.
    """
    try:
        model = _read(content)
        card = ModelCard.from_graph(model)
        fixed = _read_fixed_factor(card)
    except ModelError as error:
        return [Finding(FILE, "graph", str(error))]
    wiring = Wiring.read(model.graph)
    findings = [
        *check_signature(
            model.graph,
            wiring,
            is_live=fixed is None,
            follows_quality=bool(card and card.qualities),
        ),
        *check_resize(wiring, _read_opset(model), fixed),
    ]
    # With a missing input or a static axis every run would fail for that same reason. A graph
    # with a wrong Resize still runs, and running it may show more.
    if any(finding.step == "signature" for finding in findings):
        return _drop_consequences(findings)
    follows_quality = any(value.name == QUALITY for value in model.graph.input)
    findings += check_behaviour(content, fixed, follows_quality=follows_quality)
    findings += check_wiring(wiring, card) if fixed is None else []
    if card and card.anchors and fixed is None and not findings:
        return check_mixing(model, card.anchors, card.qualities)
    return findings


def _read(content: bytes) -> onnx.ModelProto:
    """Parse and validate the file: step 1.

    Raises:
        ModelError: it is not an ONNX file, is incomplete, or is not valid.
    """
    model = parse_complete(content)
    try:
        onnx.checker.check_model(model, full_check=True)
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # ValidationError, InferenceError, and more from C++
        raise ModelError(f"onnx.checker rejects it: {extract_first_line(error)}") from error


def _read_fixed_factor(card: ModelCard | None) -> Factor | None:
    """Return the fixed factor on the graph's card; None without a card, or for a dynamic factor.

    Raises:
        ModelError: the scale on the card is not a factor.
    """
    if card is None or card.scale is None:
        return None
    try:
        scale = parse_scale(card.scale)
    except ValueError as error:
        raise ModelError(f"the graph's card: {error}") from error
    if not isinstance(scale, Factor):
        raise ModelError(f"the graph's card: scale {card.scale!r} is not a factor")
    return scale


def _read_opset(model: onnx.ModelProto) -> int:
    versions = {item.domain: int(item.version) for item in model.opset_import}
    return versions.get("", versions.get("ai.onnx", 0))


def _drop_consequences(findings: list[Finding]) -> list[Finding]:
    """Drop the finding that no factor feeds Resize if the input `factor` itself is missing."""
    missing = any(item.step == "signature" and item.subject == "factor" for item in findings)
    return [item for item in findings if not (missing and "fed by the input" in item.text)]
