"""Step 3 of the check: does the factor reach the Resize node, and are its attributes right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from srcnn.graphs.check_cases import list_scales
from srcnn.graphs.findings import Finding
from srcnn.graphs.graph_format import FACTOR, list_resize_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from srcnn.geometry import Factor
    from srcnn.graphs.graph_wiring import Wiring

STEP = "resize"
_SCALES = 2  # position among Resize's inputs: X, roi, scales, sizes
_SHOWN = 8  # numbers of a constant in a finding
# Defaults of attributes (ONNX operator specification, Resize-11 to Resize-19).
_DEFAULTS = {
    "coordinate_transformation_mode": "half_pixel",
    "cubic_coeff_a": -0.75,
    "exclude_outside": 0,
    "mode": "nearest",
    "antialias": 0,
}


def check_resize(wiring: Wiring, opset: int, fixed: Factor | None) -> Iterator[Finding]:
    """Compare every Resize of a graph with the contract.

    Args:
        wiring: of the graph.
        opset: version of the ONNX operator set.
        fixed: the fixed factor on the graph's card; None for a dynamic factor.
    """
    resizes = _list_resizes(wiring)
    if not resizes:
        yield Finding(STEP, "graph", "no Resize node; expected one, cubic, fed by the factor")
    for node in resizes:
        yield from _check_attributes(node, opset)
        problem = (
            _check_live_scales(node, wiring)
            if fixed is None
            else _check_fixed_scales(node, wiring, fixed)
        )
        if problem:
            yield Finding(STEP, _format_name(node), problem)


def describe_frozen_factor(wiring: Wiring, inputs: str) -> str:
    """Describe for a finding what became of the factor in a graph without the input `factor`."""
    frozen = [
        f"{_format_name(node)}: {_describe_scales(node, wiring)}" for node in _list_resizes(wiring)
    ]
    return (
        f"no such input, the graph has {inputs}: the factor was frozen by the export "
        f"({'; '.join(frozen) or 'there is no Resize'}). Pass it to Resize as a tensor, without "
        ".item(); or, for a fixed factor, export with --scale, which writes it on the card"
    )


def _list_resizes(wiring: Wiring) -> list[onnx.NodeProto]:
    return [node for node in wiring.nodes if node.op_type == "Resize"]


def _check_attributes(node: onnx.NodeProto, opset: int) -> Iterator[Finding]:
    given = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    expected = list_resize_attributes(opset)
    for name, default in _DEFAULTS.items():
        found = given.get(name, default)
        found = found.decode(errors="backslashreplace") if isinstance(found, bytes) else found
        if name in expected and found != expected[name]:
            origin = "" if name in given else ", the default"
            text = f"{name}: expected {expected[name]!r}, got {found!r}{origin}"
            yield Finding(STEP, _format_name(node), text)
    if "axes" in given:
        yield Finding(STEP, _format_name(node), "axes: expected none, so that scales has 4 numbers")


def _check_live_scales(node: onnx.NodeProto, wiring: Wiring) -> str:
    scales = _find_scales(node)
    if scales and wiring.reaches(FACTOR, scales):
        return ""
    return f"expected scales fed by the input {FACTOR!r}, but {_describe_scales(node, wiring)}"


def _check_fixed_scales(node: onnx.NodeProto, wiring: Wiring, fixed: Factor) -> str:
    expected = list_scales(fixed)
    found = wiring.constants.get(_find_scales(node))
    if found is not None and np.array_equal(np.asarray(found, np.float32), expected):
        return ""
    return (
        f"expected scales {_format_numbers(expected)} for the card's scale {fixed}, "
        f"but {_describe_scales(node, wiring)}"
    )


def _find_scales(node: onnx.NodeProto) -> str:
    return node.input[_SCALES] if len(node.input) > _SCALES else ""


def _describe_scales(node: onnx.NodeProto, wiring: Wiring) -> str:
    name = _find_scales(node)
    if not name:
        return "Resize.scales is empty, and Resize.sizes sets the size"
    if name in wiring.constants:
        return f"Resize.scales is the constant {_format_numbers(wiring.constants[name])}"
    return f"Resize.scales is {name!r}, computed from something else"


def _format_numbers(values: Any) -> str:
    flat = np.ravel(values)
    shown = [f"{value:g}" for value in flat[:_SHOWN]]
    return "[" + ", ".join([*shown, "..."] if len(flat) > _SHOWN else shown) + "]"


def _format_name(node: onnx.NodeProto) -> str:
    return f"node {node.name or node.output[0]}"
