"""Graphs that a stranger might send: small upscalers, and what is hidden in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
FACTOR = numpy_helper.from_array(np.array([1, 1, 2, 2], dtype=np.float32), "factor")
RESIZE = helper.make_node("Resize", ["image", "", "factor"], ["larger"], mode="nearest")


def image(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, None, None])


def make_model(
    *nodes: onnx.NodeProto,
    constants: Sequence[TensorProto] = (),
    sparse: Sequence[Any] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    """An upscaler by 2, whose further nodes make `result` of `larger`."""
    graph = helper.make_graph(
        [RESIZE, *nodes],
        "hostile",
        [image("image")],
        [image("result")],
        initializer=[FACTOR, *constants],
        sparse_initializer=list(sparse),
    )
    return helper.make_model(graph, opset_imports=OPSETS, functions=list(functions), ir_version=9)


def make_external(name: str, location: str, count: int = 3, **entries: object) -> TensorProto:
    """Float32 values in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1, count, 1, 1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def add_weights(name: str = "weights") -> onnx.NodeProto:
    return helper.make_node("Add", ["larger", name], ["result"])


def make_function(name: str, *nodes: onnx.NodeProto) -> onnx.FunctionProto:
    """A function of `a` that returns `b`."""
    return helper.make_function("mine", name, ["a"], ["b"], list(nodes), OPSETS)


def hide(tensor: TensorProto) -> dict[str, onnx.ModelProto]:
    """A tensor wherever a file of ONNX may have one."""
    constant = helper.make_node("Constant", [], ["weights"], value=tensor)
    indices = numpy_helper.from_array(np.arange(3, dtype=np.int64), "indices")
    flat = TensorProto()
    flat.CopyFrom(tensor)
    flat.ClearField("dims")
    flat.dims.append(3)
    sparse = helper.make_sparse_tensor(flat, indices, [1, 3, 1, 1])
    yes = numpy_helper.from_array(np.ones((), dtype=bool), "yes")
    value = helper.make_tensor_value_info("weights", TensorProto.FLOAT, None)
    branch = helper.make_graph([constant], "branch", [], [value])
    inner = helper.make_graph([], "branch", [], [value], initializer=[tensor])
    choose = helper.make_node("If", ["yes"], ["weights"], then_branch=branch, else_branch=inner)
    renamed = helper.make_node("Constant", [], ["w"], value=tensor)
    in_function = make_function("F", renamed, helper.make_node("Add", ["a", "w"], ["b"]))
    call = helper.make_node("F", ["larger"], ["result"], domain="mine")
    several = helper.make_node("Constant", [], ["weights"])
    several.attribute.append(
        AttributeProto(name="value", type=AttributeProto.TENSORS, tensors=[tensor])
    )
    several.attribute.append(helper.make_attribute("value_float", 0.0))
    return {
        "initializer": make_model(add_weights(), constants=[tensor]),
        "constant": make_model(constant, add_weights()),
        "branch": make_model(choose, add_weights(), constants=[yes]),
        "function": make_model(call, functions=[in_function]),
        "sparse": make_model(add_weights(sparse.values.name), sparse=[sparse]),
        "list": make_model(several, add_weights()),
    }


def make_loop() -> onnx.ModelProto:
    """A loop without end."""
    flag = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Identity", ["value"], ["next"]),
        ],
        "body",
        [
            flag("step", TensorProto.INT64, []),
            flag("going", TensorProto.BOOL, []),
            flag("value", TensorProto.FLOAT, None),
        ],
        [flag("still", TensorProto.BOOL, []), flag("next", TensorProto.FLOAT, None)],
    )
    yes = numpy_helper.from_array(np.ones((), dtype=bool), "yes")
    loop = helper.make_node("Loop", ["", "yes", "larger"], ["result"], body=body)
    return make_model(loop, constants=[yes])


def make_endless() -> dict[str, onnx.ModelProto]:
    """Graphs that never load, or never end."""
    loop = make_loop()
    call = helper.make_node("F0", ["larger"], ["result"], domain="mine")
    again = helper.make_node("F0", ["a"], ["b"], domain="mine")
    doubling = [
        make_function(
            f"F{level}",
            helper.make_node(f"F{level + 1}", ["a"], ["t"], domain="mine"),
            helper.make_node(f"F{level + 1}", ["t"], ["b"], domain="mine"),
        )
        for level in range(40)
    ]
    relu = make_function("F40", helper.make_node("Relu", ["a"], ["b"]))
    deep = [
        make_function(f"F{level}", helper.make_node(f"F{level + 1}", ["a"], ["b"], domain="mine"))
        for level in range(5000)
    ]
    value = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
    branch = helper.make_graph([loop.graph.node[1]], "branch", [], [value])
    nested = helper.make_node("If", ["yes"], ["result"], then_branch=branch, else_branch=branch)
    in_function = make_function("F0", loop.graph.node[1])
    return {
        "loop": loop,
        "loop in a branch": make_model(nested, constants=list(loop.graph.initializer[1:])),
        "loop in a function": make_model(call, functions=[in_function]),
        "recursion": make_model(call, functions=[make_function("F0", again)]),
        "doubling functions": make_model(call, functions=[*doubling, relu]),
        "deep functions": make_model(call, functions=deep),
    }


def make_huge() -> dict[str, onnx.ModelProto]:
    """Graphs that ask for more memory than a machine has."""
    trillion = numpy_helper.from_array(np.array([10**12], dtype=np.int64), "shape")
    largest = helper.make_node("ReduceMax", ["huge"], ["weights"], keepdims=0)
    million = numpy_helper.from_array(np.array([1, 1, 1e6, 1e6], dtype=np.float32), "million")
    values = numpy_helper.from_array(np.ones(1, dtype=np.float32), "huge")
    index = numpy_helper.from_array(np.zeros(1, dtype=np.int64), "index")
    repeats = numpy_helper.from_array(np.array([1, 1, 10**5, 10**5], dtype=np.int64), "repeats")
    return {
        "ConstantOfShape": make_model(
            helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
            largest,
            add_weights(),
            constants=[trillion],
        ),
        "Resize": make_model(
            helper.make_node("Resize", ["larger", "", "million"], ["huge"], mode="nearest"),
            largest,
            add_weights(),
            constants=[million],
        ),
        "Tile": make_model(
            helper.make_node("Tile", ["larger", "repeats"], ["huge"]),
            largest,
            add_weights(),
            constants=[repeats],
        ),
        "sparse tensor": make_model(
            largest, add_weights(), sparse=[helper.make_sparse_tensor(values, index, [10**9])]
        ),
    }
