"""Rung 3: the upsampling inside a graph: does the factor reach it, and is it the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from srcnn.graphs.cases import scales_of
from srcnn.graphs.contract import FACTOR, resize_attributes
from srcnn.graphs.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from srcnn.geometry import Factor
    from srcnn.graphs.structure import Wiring

RUNG = "resize"
_SCALES = 2  # position among Resize's inputs: X, roi, scales, sizes
_SHOWN = 8  # numbers of a constant in a finding
# What an absent attribute means (ONNX operator specification, Resize-11 to Resize-19).
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
        wiring: where the graph's values come from.
        opset: version of the ONNX operator set.
        fixed: the factor that the graph's card promises; None for a live one.
    """
    resizes = _resizes(wiring)
    if not resizes:
        yield Finding(RUNG, "graph", "no Resize in it; expected one, cubic, fed by the factor")
    for node in resizes:
        yield from _check_attributes(node, opset)
        problem = (
            _live_problem(node, wiring) if fixed is None else _fixed_problem(node, wiring, fixed)
        )
        if problem:
            yield Finding(RUNG, _name(node), problem)


def frozen_factor(wiring: Wiring, inputs: str) -> str:
    """The text of a finding: where the factor of a graph without that input has gone."""
    frozen = [f"{_name(node)}: {_scales_text(node, wiring)}" for node in _resizes(wiring)]
    return (
        f"no such input, the graph has {inputs}: the factor was frozen by the export "
        f"({'; '.join(frozen) or 'there is no Resize'}). Keep it a tensor up to Resize, without "
        ".item(); or, if it is to be fixed, export with --scale, which puts it on the card"
    )


def _resizes(wiring: Wiring) -> list[onnx.NodeProto]:
    return [node for node in wiring.nodes if node.op_type == "Resize"]


def _check_attributes(node: onnx.NodeProto, opset: int) -> Iterator[Finding]:
    given = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    expected = resize_attributes(opset)
    for name, default in _DEFAULTS.items():
        found = given.get(name, default)
        found = found.decode(errors="backslashreplace") if isinstance(found, bytes) else found
        if name in expected and found != expected[name]:
            origin = "" if name in given else ", the default"
            text = f"{name}: expected {expected[name]!r}, got {found!r}{origin}"
            yield Finding(RUNG, _name(node), text)
    if "axes" in given:
        yield Finding(RUNG, _name(node), "axes: expected none, so that scales has 4 numbers")


def _live_problem(node: onnx.NodeProto, wiring: Wiring) -> str:
    scales = _scales(node)
    if scales and wiring.reaches(FACTOR, scales):
        return ""
    return f"expected scales fed by the input {FACTOR!r}, but {_scales_text(node, wiring)}"


def _fixed_problem(node: onnx.NodeProto, wiring: Wiring, fixed: Factor) -> str:
    expected = scales_of(fixed)
    found = wiring.constants.get(_scales(node))
    if found is not None and np.array_equal(np.asarray(found, np.float32), expected):
        return ""
    return (
        f"expected scales {_numbers(expected)}, as the card's scale {fixed} says, "
        f"but {_scales_text(node, wiring)}"
    )


def _scales(node: onnx.NodeProto) -> str:
    return node.input[_SCALES] if len(node.input) > _SCALES else ""


def _scales_text(node: onnx.NodeProto, wiring: Wiring) -> str:
    name = _scales(node)
    if not name:
        return "Resize.scales is empty, the size comes from Resize.sizes"
    if name in wiring.constants:
        return f"Resize.scales is the constant {_numbers(wiring.constants[name])}"
    return f"Resize.scales is {name!r}, computed from something else"


def _numbers(values: Any) -> str:
    flat = np.ravel(values)
    shown = [f"{value:g}" for value in flat[:_SHOWN]]
    return "[" + ", ".join([*shown, "..."] if len(flat) > _SHOWN else shown) + "]"


def _name(node: onnx.NodeProto) -> str:
    return f"node {node.name or node.output[0]}"
