"""Bfloat16 on any processor: the engine's graphs with what a convolution takes rounded.

A processor that has it multiplies pairs of bfloat16 and sums in float32. So the same pixels come
out where all inputs of convolutions are rounded to bfloat16, as their weights are, and the last
values, and all else is float32: slowly, but on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
from onnx import TensorProto, helper

from srcnn.inference.engine.bfloat16 import load_parts
from srcnn.inference.engine.graph_writer import PLANES, VALUES
from srcnn.runtime.onnx_session import Run, make_run, make_session

SHORT = "short"  # the values, rounded


def load_rounded(content: bytes) -> Run:
    """Make one of the engine's graphs ready to run, its convolutions as if in bfloat16."""
    return load_parts(content, _convolutions)


def _convolutions(model: onnx.ModelProto) -> Callable[[Any], Any]:
    nodes = []
    for node in list(model.graph.node):
        if node.op_type == "Conv":
            nodes += _rounding(node.input[0], f"{node.output[0]}.in")
            node.input[0] = f"{node.output[0]}.in"
        nodes.append(node)
    nodes += _rounding(VALUES, SHORT)
    model.graph.output[0].name = SHORT
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    run = make_run(make_session(model.SerializeToString(), "cpu"))
    return lambda planes: run({PLANES: planes})[0]


def _rounding(value: str, result: str) -> list[onnx.NodeProto]:
    short = f"{result}.short"
    return [
        helper.make_node("Cast", [value], [short], to=TensorProto.BFLOAT16),
        helper.make_node("Cast", [short], [result], to=TensorProto.FLOAT),
    ]
