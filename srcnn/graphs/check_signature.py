"""Step 2 of the check: the inputs and the output of a graph, their types and dynamic axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import numpy_helper

from srcnn.graphs.check_resize import describe_frozen_factor
from srcnn.graphs.findings import Finding
from srcnn.graphs.graph_format import (
    CLEAN,
    FACTOR,
    INPUT,
    INPUT_AXES,
    OUTPUT,
    OUTPUT_AXES,
    QUALITY,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from srcnn.graphs.graph_wiring import Wiring

STEP = "signature"
_FACTOR_AXES = (4,)
_QUALITY_AXES = (1,)
_LOST = (
    "the card lists qualities, so the quality was frozen by the export. Pass it to the weights as "
    "a tensor, without .item()"
)
_DEFAULT = f"whoever leaves the input out gets the weights for sources without loss, {CLEAN:g}"


def check_signature(
    graph: onnx.GraphProto, wiring: Wiring, *, is_live: bool, follows_quality: bool
) -> Iterator[Finding]:
    """Compare a graph's interface with the contract.

    Args:
        graph: the graph.
        wiring: of the graph.
        is_live: whether the factor must be an input. The quality then may be one.
        follows_quality: whether the quality must be an input.
    """
    # The quality has a default, and is an input all the same.
    weights = {tensor.name for tensor in graph.initializer} - {QUALITY}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    if INPUT in inputs:
        yield from _check_value(inputs[INPUT], INPUT_AXES)
    else:
        yield Finding(STEP, INPUT, f"no such input; the graph has {_list_names(inputs)}; rename it")
    if is_live and FACTOR in inputs:
        yield from _check_value(inputs[FACTOR], _FACTOR_AXES)
    elif is_live:
        yield Finding(STEP, FACTOR, describe_frozen_factor(wiring, _list_names(inputs)))
    if is_live and QUALITY in inputs:
        yield from _check_quality(inputs[QUALITY], graph.initializer)
    elif follows_quality:
        yield Finding(STEP, QUALITY, f"no such input, the graph has {_list_names(inputs)}: {_LOST}")
    for name in inputs.keys() - {INPUT, *([FACTOR, QUALITY] if is_live else [])}:
        yield Finding(STEP, name, "unexpected input; remove it, or make it a constant")
    yield from _check_outputs(graph.output)


def _check_quality(
    value: onnx.ValueInfoProto, initializers: Sequence[onnx.TensorProto]
) -> Iterator[Finding]:
    """Check the input that may be left out: its default is an initializer of the same name."""
    yield from _check_value(value, _QUALITY_AXES)
    defaults = [numpy_helper.to_array(each) for each in initializers if each.name == QUALITY]
    if not defaults:
        yield Finding(STEP, QUALITY, f"expected an initializer of the same name: {_DEFAULT}")
    elif defaults[0].tolist() != [CLEAN]:
        found = defaults[0].tolist()
        yield Finding(STEP, QUALITY, f"expected the default [{CLEAN:g}], got {found}: {_DEFAULT}")


def _check_outputs(outputs: Sequence[onnx.ValueInfoProto]) -> Iterator[Finding]:
    names = [value.name for value in outputs]
    if names != [OUTPUT]:
        yield Finding(STEP, OUTPUT, f"expected one output of this name, got {names}; rename it")
    else:
        yield from _check_value(outputs[0], OUTPUT_AXES)


def _check_value(value: onnx.ValueInfoProto, axes: Sequence[str | int]) -> Iterator[Finding]:
    tensor = value.type.tensor_type
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        found = onnx.TensorProto.DataType.Name(tensor.elem_type)
        yield Finding(STEP, value.name, f"expected FLOAT, got {found}")
    dims = list(tensor.shape.dim)
    if len(dims) != len(axes):
        noun = "axis" if len(axes) == 1 else "axes"
        yield Finding(STEP, value.name, f"expected {len(axes)} {noun} {axes}, got {len(dims)}")
        return
    for index, (dim, axis) in enumerate(zip(dims, axes, strict=True)):
        static = dim.dim_value if dim.HasField("dim_value") else None
        if isinstance(axis, str) and static is not None:
            yield Finding(
                STEP,
                f"{value.name}, axis {index} ({axis})",
                f"expected dynamic, got {static}; export with this axis dynamic",
            )
        if isinstance(axis, int) and static not in {None, axis}:
            yield Finding(STEP, f"{value.name}, axis {index}", f"expected {axis}, got {static}")


def _list_names(inputs: dict[str, onnx.ValueInfoProto]) -> str:
    return ", ".join(map(repr, inputs)) or "no inputs"
