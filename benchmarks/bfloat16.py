"""Bfloat16 on any processor: the engine's graphs with the inputs of convolutions rounded.

A processor with bfloat16 multiplies pairs of bfloat16 and sums in float32. So float32 gives the
same pixels if the inputs of all convolutions, their weights and the last values are rounded to
bfloat16. This is slow but works on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
from onnx import TensorProto, helper

from srcnn.inference.engine.bfloat16 import load_parts
from srcnn.inference.engine.graph_writer import PLANES, VALUES
from srcnn.runtime.onnx_session import Run, make_run, make_session

SHORT = "short"  # the rounded values


def load_rounded(content: bytes) -> Run:
    """Load one of the engine's graphs, with convolutions as if in bfloat16."""
    return load_parts(content, _load_convolutions)


def _load_convolutions(model: onnx.ModelProto) -> Callable[[Any], Any]:
    nodes = []
    for node in list(model.graph.node):
        if node.op_type == "Conv":
            nodes += _make_rounding(node.input[0], f"{node.output[0]}.in")
            node.input[0] = f"{node.output[0]}.in"
        nodes.append(node)
    nodes += _make_rounding(VALUES, SHORT)
    model.graph.output[0].name = SHORT
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    run = make_run(make_session(model.SerializeToString(), "cpu"))
    return lambda planes: run({PLANES: planes})[0]


def _make_rounding(value: str, result: str) -> list[onnx.NodeProto]:
    short = f"{result}.short"
    return [
        helper.make_node("Cast", [value], [short], to=TensorProto.BFLOAT16),
        helper.make_node("Cast", [short], [result], to=TensorProto.FLOAT),
    ]
