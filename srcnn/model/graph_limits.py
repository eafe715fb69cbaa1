"""Refuse graphs whose work has no bound, before anything runs or unfolds them.

Upscalers are feed-forward networks. So a graph may branch, but not loop: a loop can be endless.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import onnx

from srcnn.errors import ModelError
from srcnn.model.protos import find_messages

_LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})
_READING_FILES = frozenset({"EPContext"})
_GRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
_STANDARD = ("", "ai.onnx")
# Functions are unfolded where they are called; torch's exporter nests a few of them.
_MAX_NODES = 100_000
_MAX_DEPTH = 50
# A sparse tensor is a few bytes in the file, and as large as it says in memory.
_MAX_SPARSE_VALUES = 2**26

_Functions: TypeAlias = Mapping[tuple[str, str], onnx.FunctionProto]


def check_limits(model: onnx.ModelProto) -> None:
    """Check that loading and running a graph does not take forever.

    Raises:
        ModelError: it has loops, names files, or unfolds to too much.
    """
    for node in find_messages(model, onnx.NodeProto):
        _check_node(node)
    for tensor in find_messages(model, onnx.SparseTensorProto):
        if math.prod(tensor.dims) > _MAX_SPARSE_VALUES or min(tensor.dims, default=0) < 0:
            raise ModelError(
                f"a sparse tensor of shape {list(tensor.dims)}: expected up to "
                f"{_MAX_SPARSE_VALUES:,} values; export it as a dense tensor"
            )
    functions = {(each.domain, each.name): each for each in model.functions}
    _count_nodes(model.graph.node, functions, {}, ())


def _check_node(node: onnx.NodeProto) -> None:
    if node.op_type in _READING_FILES:
        raise ModelError(f"operator {node.op_type} reads other files: export the model without it")
    branches = node.op_type == "If" and node.domain in _STANDARD
    has_graph = any(
        each.type in _GRAPHS or each.HasField("g") or each.graphs for each in node.attribute
    )
    if node.op_type in _LOOPS or (has_graph and not branches):
        raise ModelError(
            f"operator {node.op_type} may repeat without end: graphs with loops are not run; "
            "export the model with its loops unrolled"
        )


def _count_nodes(
    nodes: Iterable[onnx.NodeProto],
    functions: _Functions,
    counted: dict[tuple[str, str], int],
    callers: tuple[tuple[str, str], ...],
) -> int:
    """Count nodes as they are when all functions are unfolded.

    Args:
        nodes: of a graph or function.
        functions: of the model.
        counted: the counts of functions, filled as they become known.
        callers: functions that are being counted.

    Raises:
        ModelError: there are too many, or a function calls itself.
    """
    total = 0
    for node in _walk(nodes):
        key = (node.domain, node.op_type)
        if key not in functions:
            total += 1
        elif key in callers or len(callers) > _MAX_DEPTH:
            raise ModelError(
                f"function {node.op_type} calls itself, or is called from more than {_MAX_DEPTH} "
                "nested functions: export the model without functions"
            )
        else:
            if key not in counted:
                inner = functions[key].node
                counted[key] = _count_nodes(inner, functions, counted, (*callers, key))
            total += counted[key]
        if total > _MAX_NODES:
            raise ModelError(f"it has more than {_MAX_NODES:,} operators")
    return total


def _walk(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield from find_messages(node, onnx.NodeProto)
