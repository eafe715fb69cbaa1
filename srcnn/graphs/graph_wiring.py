"""Analyse a graph without running it: its nodes, their connections, and constant values.

Includes subgraphs (If, Loop, Scan), whose nodes may read values of the outer graph. Functions
of the model must have been inlined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import onnx
from onnx import numpy_helper

from srcnn.graphs.graph_format import QUALITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass
class Wiring:
    """Where the values of a graph come from.

    Attributes:
        nodes: every node, including those of subgraphs.
        sources: for each value, the values that it is directly computed from.
        constants: values of the constants by name; the input `quality` is none, although its
            default is an initializer.
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    sources: dict[str, set[str]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, graph: onnx.GraphProto) -> Wiring:
        """Read a graph."""
        wiring = cls()
        wiring._add(graph, set())
        return wiring

    def _add(self, graph: onnx.GraphProto, outside: set[str]) -> None:
        # Old graphs list all their initializers as inputs, so only this name is one.
        inputs = {value.name for value in graph.input} & {QUALITY}
        for tensor in graph.initializer:
            if tensor.name not in inputs:
                self.constants[tensor.name] = numpy_helper.to_array(tensor)
        for value in graph.input:  # those of a subgraph are fed by its node
            self.sources[value.name] = set(outside)
        for node in graph.node:
            self._add_node(node)

    def _add_node(self, node: onnx.NodeProto) -> None:
        self.nodes.append(node)
        inputs = set(filter(None, node.input))
        feeding = set(inputs)
        for subgraph in _list_subgraphs(node):
            self._add(subgraph, inputs)
            feeding.update(value.name for value in subgraph.output)
        for name in filter(None, node.output):
            self.sources[name] = feeding
        constant = _read_constant(node, self.constants)
        if constant is not None:
            self.constants[node.output[0]] = constant

    def reaches(self, source: str, target: str) -> bool:
        """Whether `target` is computed from `source`."""
        return source in self.collect_sources([target])

    def collect_sources(self, targets: Iterable[str]) -> set[str]:
        """Collect all values that the targets are computed from, and the targets themselves."""
        seen: set[str] = set()
        waiting = list(targets)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(self.sources.get(name, ()))
        return seen


def _list_subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def _read_constant(node: onnx.NodeProto, known: dict[str, Any]) -> Any:
    if node.op_type == "Identity":
        return known.get(node.input[0])
    if node.op_type != "Constant":
        return None
    attribute = node.attribute[0]
    if attribute.name == "value":
        return numpy_helper.to_array(attribute.t)
    numbers = {"value_float", "value_floats", "value_int", "value_ints"}
    return onnx.helper.get_attribute_value(attribute) if attribute.name in numbers else None
